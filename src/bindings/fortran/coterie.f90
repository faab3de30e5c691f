! SPDX-License-Identifier: BSD-3-Clause
!
! libcoterie in Fortran: predictions of mixtures of local experts that `coterie train` has made.
!
!     use coterie
!     type(coterie_model) :: model
!     call model%open('run')
!     call model%predict(x, mean=y)
!     call model%close()
!
! Arrays lie as in C, where the last index runs fastest; here it is the first: x(D, N) has the D inputs
! of a sample side by side, and so have results. All reals of a call are real32 or all are real64. Arrays
! must be contiguous, or the compiler copies them.
!
! Each procedure takes `status` (one of COTERIE_OK, ...; coterie.h says what they mean). Without it, an
! error ends the program with a line that says what is wrong. An input that is not finite makes its own
! sample's results NaN and gives COTERIE_NOT_FINITE.
!
! A model that is open may be used by many threads. Copies of the variable mean the same model: close
! one of them.
module coterie
    use, intrinsic :: iso_c_binding
    use, intrinsic :: iso_fortran_env, only: error_unit, real32, real64
    implicit none
    private

    integer, parameter, public :: COTERIE_OK = 0, COTERIE_FAILED = 1, COTERIE_USAGE = 2, &
        COTERIE_WORKSPACE = 3, COTERIE_NOT_FINITE = 4

    type, public :: coterie_model
        private
        type(c_ptr) :: handle = c_null_ptr
    contains
        procedure :: open => model_open
        procedure :: close => model_close
        procedure :: n_inputs, n_experts, n_targets, n_classes
        procedure :: input_name, target_name, class_name, input_unit, target_unit ! from 1; '' if there is none
        procedure, private :: input_range_real64, input_range_real32
        generic :: input_range => input_range_real64, input_range_real32
        procedure, private :: predict_real64, predict_real32
        generic :: predict => predict_real64, predict_real32
        procedure, private :: log_density_real64, log_density_real32
        generic :: log_density => log_density_real64, log_density_real32
        procedure, private :: quantile_real64, quantile_real32
        generic :: quantile => quantile_real64, quantile_real32
        procedure, private :: jacobian_real64, jacobian_real32
        generic :: jacobian => jacobian_real64, jacobian_real32
    end type

    public :: coterie_version

    type, bind(c) :: c_prediction
        type(c_ptr) :: mean = c_null_ptr, variance = c_null_ptr, probability = c_null_ptr, &
            proportion = c_null_ptr, expert = c_null_ptr
    end type

    interface
        function c_version() bind(c, name='coterie_version') result(text)
            import :: c_ptr
            type(c_ptr) :: text
        end function
        function c_open(path, model, message, size) bind(c, name='coterie_model_open') result(outcome)
            import :: c_char, c_ptr, c_size_t, c_int
            character(kind=c_char), intent(in) :: path(*)
            type(c_ptr), intent(out) :: model
            character(kind=c_char), intent(inout) :: message(*)
            integer(c_size_t), value :: size
            integer(c_int) :: outcome
        end function
        subroutine c_close(model) bind(c, name='coterie_model_close')
            import :: c_ptr
            type(c_ptr), value :: model
        end subroutine
        function c_n_inputs(model) bind(c, name='coterie_n_inputs') result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t) :: n
        end function
        function c_n_experts(model) bind(c, name='coterie_n_experts') result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t) :: n
        end function
        function c_n_targets(model) bind(c, name='coterie_n_targets') result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t) :: n
        end function
        function c_n_classes(model) bind(c, name='coterie_n_classes') result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t) :: n
        end function
        function c_input_range(model, i, least, most) bind(c, name='coterie_input_range') result(outcome)
            import :: c_ptr, c_size_t, c_double, c_int
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            real(c_double) :: least, most
            integer(c_int) :: outcome
        end function
        function c_input_name(model, i) bind(c, name='coterie_input_name') result(text)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            type(c_ptr) :: text
        end function
        function c_target_name(model, i) bind(c, name='coterie_target_name') result(text)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            type(c_ptr) :: text
        end function
        function c_class_name(model, i) bind(c, name='coterie_class_name') result(text)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            type(c_ptr) :: text
        end function
        function c_input_unit(model, i) bind(c, name='coterie_input_unit') result(text)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            type(c_ptr) :: text
        end function
        function c_target_unit(model, i) bind(c, name='coterie_target_unit') result(text)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: model
            integer(c_size_t), value :: i
            type(c_ptr) :: text
        end function
        function c_strlen(text) bind(c, name='strlen') result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: text
            integer(c_size_t) :: n
        end function
        function c_predict(model, n, x, prediction, workspace) bind(c, name='coterie_predict') result(outcome)
            import :: c_ptr, c_size_t, c_int, c_prediction, c_double
            type(c_ptr), value :: model, workspace
            integer(c_size_t), value :: n
            real(c_double), intent(in) :: x(*)
            type(c_prediction), intent(in) :: prediction
            integer(c_int) :: outcome
        end function
        function c_predict_float(model, n, x, prediction, workspace) bind(c, name='coterie_predict_float') &
                result(outcome)
            import :: c_ptr, c_size_t, c_int, c_prediction, c_float
            type(c_ptr), value :: model, workspace
            integer(c_size_t), value :: n
            real(c_float), intent(in) :: x(*)
            type(c_prediction), intent(in) :: prediction
            integer(c_int) :: outcome
        end function
        function c_log_density(model, n, x, d, density, workspace) bind(c, name='coterie_log_density') &
                result(outcome)
            import :: c_ptr, c_size_t, c_int, c_double
            type(c_ptr), value :: model, workspace
            integer(c_size_t), value :: n
            real(c_double), intent(in) :: x(*), d(*)
            real(c_double), intent(out) :: density(*)
            integer(c_int) :: outcome
        end function
        function c_quantile(model, n, x, target, p, quantile, workspace) bind(c, name='coterie_quantile') &
                result(outcome)
            import :: c_ptr, c_size_t, c_int, c_double
            type(c_ptr), value :: model, workspace
            integer(c_size_t), value :: n, target
            real(c_double), intent(in) :: x(*)
            real(c_double), value :: p
            real(c_double), intent(out) :: quantile(*)
            integer(c_int) :: outcome
        end function
        function c_jacobian(model, n, x, jacobian, workspace) bind(c, name='coterie_jacobian') result(outcome)
            import :: c_ptr, c_size_t, c_int, c_double
            type(c_ptr), value :: model, workspace
            integer(c_size_t), value :: n
            real(c_double), intent(in) :: x(*)
            real(c_double), intent(out) :: jacobian(*)
            integer(c_int) :: outcome
        end function
    end interface

contains

    ! A C string as Fortran's; '' for NULL.
    function text_of(text) result(answer)
        type(c_ptr), intent(in) :: text
        character(:), allocatable :: answer
        character(kind=c_char), pointer :: letter(:)
        integer :: i, n
        n = 0
        if (c_associated(text)) n = int(c_strlen(text))
        allocate (character(n) :: answer)
        if (n > 0) call c_f_pointer(text, letter, [n])
        do i = 1, n
            answer(i:i) = letter(i)
        end do
    end function

    ! Hands an outcome to the caller, or ends the program if nobody asked for it.
    subroutine report(outcome, what, status)
        integer, intent(in) :: outcome
        character(*), intent(in) :: what
        integer, intent(out), optional :: status
        if (present(status)) then
            status = outcome
        else if (outcome /= COTERIE_OK) then
            write (error_unit, '(a)') 'coterie: error: ' // what
            error stop 1
        end if
    end subroutine

    function problem(outcome) result(text)
        integer, intent(in) :: outcome
        character(:), allocatable :: text
        select case (outcome)
        case (COTERIE_USAGE)
            text = 'the model is not open, has nothing of that kind, or an array has another shape'
        case (COTERIE_WORKSPACE)
            text = 'the model is too large for the stack'
        case (COTERIE_NOT_FINITE)
            text = 'an input or a result is not a finite number'
        case default
            text = 'not enough memory'
        end select
    end function

    function coterie_version() result(version)
        character(:), allocatable :: version
        version = text_of(c_version())
    end function

    ! Opens a checkpoint, or the best (else the latest) of a run directory. `message` says what is wrong.
    subroutine model_open(self, path, status, message)
        class(coterie_model), intent(inout) :: self
        character(*), intent(in) :: path
        integer, intent(out), optional :: status
        character(*), intent(inout), optional :: message
        character(kind=c_char), target :: said(1024)
        character(:), allocatable :: text
        integer :: outcome
        call self%close()
        said = c_null_char
        outcome = c_open(trim(path) // c_null_char, self%handle, said, size(said, kind=c_size_t))
        text = text_of(c_loc(said))
        if (present(message)) message = text
        call report(outcome, text, status)
    end subroutine

    subroutine model_close(self)
        class(coterie_model), intent(inout) :: self
        if (c_associated(self%handle)) call c_close(self%handle)
        self%handle = c_null_ptr
    end subroutine

    integer function n_inputs(self)
        class(coterie_model), intent(in) :: self
        n_inputs = 0
        if (c_associated(self%handle)) n_inputs = int(c_n_inputs(self%handle))
    end function

    integer function n_experts(self)
        class(coterie_model), intent(in) :: self
        n_experts = 0
        if (c_associated(self%handle)) n_experts = int(c_n_experts(self%handle))
    end function

    integer function n_targets(self)
        class(coterie_model), intent(in) :: self
        n_targets = 0
        if (c_associated(self%handle)) n_targets = int(c_n_targets(self%handle))
    end function

    integer function n_classes(self)
        class(coterie_model), intent(in) :: self
        n_classes = 0
        if (c_associated(self%handle)) n_classes = int(c_n_classes(self%handle))
    end function

    function input_name(self, i) result(name)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        character(:), allocatable :: name
        name = ''
        if (i >= 1 .and. i <= self%n_inputs()) name = text_of(c_input_name(self%handle, int(i - 1, c_size_t)))
    end function

    function input_unit(self, i) result(unit)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        character(:), allocatable :: unit
        unit = ''
        if (i >= 1 .and. i <= self%n_inputs()) unit = text_of(c_input_unit(self%handle, int(i - 1, c_size_t)))
    end function

    function target_unit(self, i) result(unit)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        character(:), allocatable :: unit
        unit = ''
        if (i >= 1 .and. i <= self%n_targets()) unit = text_of(c_target_unit(self%handle, int(i - 1, c_size_t)))
    end function

    ! The range of input i in the samples trained on; NaN if the checkpoint does not say.
    subroutine input_range_real64(self, i, least, most, status)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        real(real64), intent(out) :: least, most
        integer, intent(out), optional :: status
        integer :: outcome
        least = 0
        most = 0
        outcome = COTERIE_USAGE
        if (i >= 1 .and. i <= self%n_inputs()) &
            outcome = c_input_range(self%handle, int(i - 1, c_size_t), least, most)
        call report(outcome, problem(outcome), status)
    end subroutine

    subroutine input_range_real32(self, i, least, most, status)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        real(real32), intent(out) :: least, most
        integer, intent(out), optional :: status
        real(real64) :: ends(2)
        call self%input_range_real64(i, ends(1), ends(2), status)
        least = real(ends(1), real32)
        most = real(ends(2), real32)
    end subroutine

    function target_name(self, i) result(name)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        character(:), allocatable :: name
        name = ''
        if (i >= 1 .and. i <= self%n_targets()) name = text_of(c_target_name(self%handle, int(i - 1, c_size_t)))
    end function

    function class_name(self, i) result(name)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: i
        character(:), allocatable :: name
        name = ''
        if (i >= 1 .and. i <= self%n_classes()) name = text_of(c_class_name(self%handle, int(i - 1, c_size_t)))
    end function

    ! Whether an array, as its shape, is what the model needs; always false for one that is not open.
    logical function fits(self, found, wanted)
        class(coterie_model), intent(in) :: self
        integer, intent(in) :: found(:), wanted(:)
        fits = c_associated(self%handle) .and. all(found == wanted)
    end function

    ! x(D, N); mean, variance(T, N); probability(C, N); proportion(E, N); expert(T or C, E, N). Give what
    ! you want to know.
    subroutine predict_real64(self, x, mean, variance, probability, proportion, expert, status)
        class(coterie_model), intent(in) :: self
        real(real64), contiguous, intent(in) :: x(:, :)
        real(real64), contiguous, intent(out), target, optional :: mean(:, :), variance(:, :), &
            probability(:, :), proportion(:, :), expert(:, :, :)
        integer, intent(out), optional :: status
        type(c_prediction) :: ask
        integer :: n, outcome
        logical :: good
        n = size(x, 2)
        good = fits(self, shape(x), [self%n_inputs(), n])
        if (present(mean)) then
            good = good .and. fits(self, shape(mean), [self%n_targets(), n])
            if (size(mean) > 0) ask%mean = c_loc(mean)
        end if
        if (present(variance)) then
            good = good .and. fits(self, shape(variance), [self%n_targets(), n])
            if (size(variance) > 0) ask%variance = c_loc(variance)
        end if
        if (present(probability)) then
            good = good .and. fits(self, shape(probability), [self%n_classes(), n])
            if (size(probability) > 0) ask%probability = c_loc(probability)
        end if
        if (present(proportion)) then
            good = good .and. fits(self, shape(proportion), [self%n_experts(), n])
            if (size(proportion) > 0) ask%proportion = c_loc(proportion)
        end if
        if (present(expert)) then
            good = good .and. fits(self, shape(expert), [max(self%n_targets(), self%n_classes()), &
                self%n_experts(), n])
            if (size(expert) > 0) ask%expert = c_loc(expert)
        end if
        outcome = COTERIE_USAGE
        if (good) outcome = c_predict(self%handle, int(n, c_size_t), x, ask, c_null_ptr)
        call report(outcome, problem(outcome), status)
    end subroutine

    subroutine predict_real32(self, x, mean, variance, probability, proportion, expert, status)
        class(coterie_model), intent(in) :: self
        real(real32), contiguous, intent(in) :: x(:, :)
        real(real32), contiguous, intent(out), target, optional :: mean(:, :), variance(:, :), &
            probability(:, :), proportion(:, :), expert(:, :, :)
        integer, intent(out), optional :: status
        type(c_prediction) :: ask
        integer :: n, outcome
        logical :: good
        n = size(x, 2)
        good = fits(self, shape(x), [self%n_inputs(), n])
        if (present(mean)) then
            good = good .and. fits(self, shape(mean), [self%n_targets(), n])
            if (size(mean) > 0) ask%mean = c_loc(mean)
        end if
        if (present(variance)) then
            good = good .and. fits(self, shape(variance), [self%n_targets(), n])
            if (size(variance) > 0) ask%variance = c_loc(variance)
        end if
        if (present(probability)) then
            good = good .and. fits(self, shape(probability), [self%n_classes(), n])
            if (size(probability) > 0) ask%probability = c_loc(probability)
        end if
        if (present(proportion)) then
            good = good .and. fits(self, shape(proportion), [self%n_experts(), n])
            if (size(proportion) > 0) ask%proportion = c_loc(proportion)
        end if
        if (present(expert)) then
            good = good .and. fits(self, shape(expert), [max(self%n_targets(), self%n_classes()), &
                self%n_experts(), n])
            if (size(expert) > 0) ask%expert = c_loc(expert)
        end if
        outcome = COTERIE_USAGE
        if (good) outcome = c_predict_float(self%handle, int(n, c_size_t), x, ask, c_null_ptr)
        call report(outcome, problem(outcome), status)
    end subroutine

    ! density(N): ln p(d | x). d(T, N) are numbers; for a classifier d(1, N) has numbers of classes, from 1.
    subroutine log_density_real64(self, x, d, density, status)
        class(coterie_model), intent(in) :: self
        real(real64), contiguous, intent(in) :: x(:, :), d(:, :)
        real(real64), contiguous, intent(out) :: density(:)
        integer, intent(out), optional :: status
        integer :: n, outcome, rows
        n = size(x, 2)
        rows = max(1, self%n_targets())
        outcome = COTERIE_USAGE
        if (fits(self, [shape(x), shape(d), shape(density)], [self%n_inputs(), n, rows, n, n])) then
            if (self%n_classes() > 0) then
                outcome = c_log_density(self%handle, int(n, c_size_t), x, d - 1, density, c_null_ptr)
            else
                outcome = c_log_density(self%handle, int(n, c_size_t), x, d, density, c_null_ptr)
            end if
        end if
        call report(outcome, problem(outcome), status)
    end subroutine

    ! The library has this and what follows in double only.
    subroutine log_density_real32(self, x, d, density, status)
        class(coterie_model), intent(in) :: self
        real(real32), contiguous, intent(in) :: x(:, :), d(:, :)
        real(real32), contiguous, intent(out) :: density(:)
        integer, intent(out), optional :: status
        real(real64), allocatable :: double(:)
        integer :: outcome
        allocate (double(size(density)))
        call self%log_density_real64(real(x, real64), real(d, real64), double, outcome)
        if (outcome == COTERIE_OK .or. outcome == COTERIE_NOT_FINITE) density = real(double, real32)
        call report(outcome, problem(outcome), status)
    end subroutine

    ! quantile(N): where target `target` (from 1) lies below with probability p, 0 < p < 1.
    subroutine quantile_real64(self, x, target, p, quantile, status)
        class(coterie_model), intent(in) :: self
        real(real64), contiguous, intent(in) :: x(:, :)
        integer, intent(in) :: target
        real(real64), intent(in) :: p
        real(real64), contiguous, intent(out) :: quantile(:)
        integer, intent(out), optional :: status
        integer :: n, outcome
        n = size(x, 2)
        outcome = COTERIE_USAGE
        if (target >= 1 .and. fits(self, [shape(x), shape(quantile)], [self%n_inputs(), n, n])) &
            outcome = c_quantile(self%handle, int(n, c_size_t), x, int(target - 1, c_size_t), p, quantile, &
                c_null_ptr)
        call report(outcome, problem(outcome), status)
    end subroutine

    subroutine quantile_real32(self, x, target, p, quantile, status)
        class(coterie_model), intent(in) :: self
        real(real32), contiguous, intent(in) :: x(:, :)
        integer, intent(in) :: target
        real(real32), intent(in) :: p
        real(real32), contiguous, intent(out) :: quantile(:)
        integer, intent(out), optional :: status
        real(real64), allocatable :: double(:)
        integer :: outcome
        allocate (double(size(quantile)))
        call self%quantile_real64(real(x, real64), target, real(p, real64), double, outcome)
        if (outcome == COTERIE_OK .or. outcome == COTERIE_NOT_FINITE) quantile = real(double, real32)
        call report(outcome, problem(outcome), status)
    end subroutine

    ! jacobian(D, T or C, N): d mean / d x, or d probability / d x.
    subroutine jacobian_real64(self, x, jacobian, status)
        class(coterie_model), intent(in) :: self
        real(real64), contiguous, intent(in) :: x(:, :)
        real(real64), contiguous, intent(out) :: jacobian(:, :, :)
        integer, intent(out), optional :: status
        integer :: n, outcome
        n = size(x, 2)
        outcome = COTERIE_USAGE
        if (fits(self, [shape(x), shape(jacobian)], [self%n_inputs(), n, self%n_inputs(), &
                max(self%n_targets(), self%n_classes()), n])) &
            outcome = c_jacobian(self%handle, int(n, c_size_t), x, jacobian, c_null_ptr)
        call report(outcome, problem(outcome), status)
    end subroutine

    subroutine jacobian_real32(self, x, jacobian, status)
        class(coterie_model), intent(in) :: self
        real(real32), contiguous, intent(in) :: x(:, :)
        real(real32), contiguous, intent(out) :: jacobian(:, :, :)
        integer, intent(out), optional :: status
        real(real64), allocatable :: double(:, :, :)
        integer :: outcome
        allocate (double(size(jacobian, 1), size(jacobian, 2), size(jacobian, 3)))
        call self%jacobian_real64(real(x, real64), double, outcome)
        if (outcome == COTERIE_OK .or. outcome == COTERIE_NOT_FINITE) jacobian = real(double, real32)
        call report(outcome, problem(outcome), status)
    end subroutine

end module
