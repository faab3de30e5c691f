! SPDX-License-Identifier: BSD-3-Clause
! The same as simulation.c in Fortran: simulation RUN START
program simulation
    use coterie
    use, intrinsic :: iso_fortran_env, only: real64
    implicit none
    type(coterie_model) :: model
    character(1000) :: run
    real(real64), parameter :: step = 0.01_real64
    real(real64) :: state(2, 1), low(2), high(2), acceleration(1, 1) ! (D, N) and (T, N)
    integer :: n, i, outside

    call get_command_argument(1, run)
    call model%open(run) ! ends the program with a message if it cannot
    state(:, 1) = [number(2), 0.0_real64] ! place and speed: the inputs
    do i = 1, 2
        call model%input_range(i, low(i), high(i))
    end do
    outside = 0
    do n = 0, 999
        do i = 1, 2
            if (state(i, 1) >= low(i) .and. state(i, 1) <= high(i)) cycle
            if (outside == 0) print '(a, i0, 3a)', 'step ', n, ': ', model%input_name(i), &
                ' is outside the training range'
            outside = outside + 1
        end do
        call model%predict(state, mean=acceleration)
        state(2, 1) = state(2, 1) + step * acceleration(1, 1)
        state(1, 1) = state(1, 1) + step * state(2, 1)
    end do
    print '(a, f0.6, a, f0.6, a, i0)', 'x ', state(1, 1), ' v ', state(2, 1), ' outside ', outside
    call model%close()

contains

    real(real64) function number(i)
        integer, intent(in) :: i
        character(100) :: text
        call get_command_argument(i, text)
        read (text, *) number
    end function

end program
