/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands: their words, and the text of their --help. */
#include "app/options/option_entry.h"

const struct command_entry command_table[N_COMMANDS] = {
    [COMMAND_SUBMIT] =
        {"submit",
         {NULL, NULL},
         {NULL, NULL},
         "coterie submit [options] -- [train|sweep] [options of it]",
         "checks a training and writes the batch script for Slurm",
         "  coterie submit --nodes 2 --tasks-per-node 16 --time 8h -- \\\n"
         "      --data d.h5 --output run\n"
         "  coterie submit --tasks-per-node 8 --time 1d --now -- \\\n"
         "      --config run.yaml --output run\n"
         "  coterie submit --array 10 --tasks-per-node 8 --time 4h --now -- \\\n"
         "      sweep --output s --grid experts=2,4,8 --seeds 5 --data d.h5 --valid 0.2\n\n"
         "Data and options are checked as by `coterie train --dry-run`. The script does\n"
         "what slurm/train.sbatch (or sweep.sbatch) does: it saves and queues itself again\n"
         "before the time limit and continues after it. It runs in the folder where it was\n"
         "written.\n",
         true},
    [COMMAND_TRAIN] =
        {"train",
         {NULL, NULL},
         {NULL, NULL},
         "coterie train [options]",
         "trains a mixture of local experts",
         "  coterie train                            the built-in vowels, with defaults\n"
         "  coterie train --data wine.csv            what fits the data is chosen by them\n"
         "  mpirun -n 4 coterie train --experts 8 --output run\n"
         "  mpirun -n 4 coterie train --data wine.csv --targets quality --valid 0.2 \\\n"
         "      --expert-hidden 32 --batch-size 256 --epochs 200 --output wine\n"
         "  mpirun -n 2 coterie train --output run --resume auto --epochs 1000\n",
         false},
    [COMMAND_EVALUATE] =
        {"evaluate",
         {"CHECKPOINT", NULL},
         {NULL},
         "coterie evaluate CHECKPOINT [--data DATA] [options]",
         "measures a trained mixture on data with known targets",
         "  coterie evaluate run                     on the samples that the run held out\n"
         "  coterie evaluate run --data builtin:vowels/test\n"
         "  mpirun -n 4 coterie evaluate run/checkpoints/best --data test.h5 --json\n",
         false},
    [COMMAND_SUMMARY] =
        {"summary",
         {"CHECKPOINT", NULL},
         {NULL},
         "coterie summary CHECKPOINT [--data DATA] [options]",
         "shows coefficients with standard errors, and what the inputs do",
         "  coterie summary run                      on the samples of the training\n"
         "  coterie summary run --robust --level 0.9\n"
         "  mpirun -n 4 coterie summary run/checkpoints/best --data d.h5 --json\n\n"
         "Of each expert and the gate, where they have no hidden layers: coefficients in\n"
         "the units of the data, standard errors by the observed information of the\n"
         "mixture, z, p and confidence intervals. Of every model: log-likelihood, AIC,\n"
         "BIC, ICL and the mean slope of the prediction by each input.\n",
         false},
    [COMMAND_PREDICT] =
        {"predict",
         {"CHECKPOINT", NULL},
         {"data", "output"},
         "coterie predict CHECKPOINT --data DATA --output FILE [options]",
         "predicts targets for new samples with a trained mixture",
         "  coterie predict run --data new.csv --output predictions.csv\n"
         "  coterie predict run --data new.csv --interval 0.9 --output predictions.csv\n"
         "  mpirun -n 4 coterie predict run/checkpoints/best --data new.h5 --output p.h5\n",
         false},
    [COMMAND_INSPECT] = {"inspect",
                         {"PATH", NULL},
                         {NULL, NULL},
                         "coterie inspect PATH [options]",
                         "shows what a data file, checkpoint or run directory holds",
                         "  coterie inspect builtin:vowels\n"
                         "  coterie inspect wine.csv --targets quality\n"
                         "  coterie inspect run --verify\n",
                         false},
    [COMMAND_CONVERT] = {"convert",
                         {"IN", "OUT"},
                         {NULL, NULL},
                         "coterie convert IN OUT [options]",
                         "turns CSV into HDF5 and HDF5 into CSV",
                         "  coterie convert wine.csv wine.h5 --targets quality\n"
                         "  coterie convert wine.h5 wine.csv\n"
                         "  coterie convert builtin:vowels vowels.csv\n",
                         false},
    [COMMAND_EXPORT] = {"export",
                        {"CHECKPOINT", "OUT"},
                        {NULL, NULL},
                        "coterie export CHECKPOINT OUT",
                        "writes a trained mixture for other programs: .onnx, .npz or .c",
                        "  coterie export run surface.c             C99 that needs libm only\n"
                        "  coterie export run model.onnx            for ONNX Runtime and others\n"
                        "  coterie export run/checkpoints/latest arrays.npz     for NumPy\n",
                        false},
    [COMMAND_BENCH] =
        {"bench",
         {NULL, NULL},
         {NULL, NULL},
         "coterie bench [options]",
         "times the training step against this machine's matrix products",
         "  mpirun -n 2 coterie bench --shape 256,64,128,10,16\n"
         "  mpirun -n 8 coterie bench --shape 4096,784,256,10,64 --json\n"
         "  mpirun -n 8 coterie bench --shape 4096,784,256,10,64 --replicas 2 "
         "--top-k 4\n"
         "  mpirun -n 8 coterie bench --plan --shape 4096,784,256,10,1024\n\n"
         "A step is both passes over a new batch, all exchange between ranks (with\n"
         "--replicas the sum of gradients, too) and the update, without metrics and files.\n"
         "Its rate counts the matrix products that a step needs (with --top-k K those of K\n"
         "experts a sample) and is compared with products of 2048 x 2048 matrices.\n",
         false},
    [COMMAND_DOCTOR] =
        {"doctor",
         {NULL, NULL},
         {NULL, NULL},
         "coterie doctor [options]",
         "checks this machine or job for what slows or stops runs, and gives the fix",
         "  coterie doctor\n"
         "  mpirun -n 4 coterie doctor --output /scratch/me/run\n"
         "  srun --mpi=pmix coterie doctor\n",
         false},
    [COMMAND_SWEEP] =
        {"sweep",
         {NULL, NULL},
         {"output", NULL},
         "coterie sweep --output DIR --grid NAME=VALUES ... [options of train]",
         "trains every setting of a grid and ranks them by held-out likelihood",
         "  mpirun -n 8 coterie sweep --output s --grid experts=2,4,8 \\\n"
         "      --grid learning-rate=0.1,0.01 --seeds 5 \\\n"
         "      --data wine.csv --valid 0.2 --epochs 200\n"
         "  mpirun -n 8 coterie sweep --output s       continues an interrupted sweep\n"
         "  coterie sweep --output s --table           the results so far\n"
         "  coterie sweep --output s --index 3 --of 10     a task of a job array\n\n"
         "The table has a row for each setting: mean and standard deviation over its\n"
         "seeds of nll, the mean of -log p(d|x), of the validation samples, and for the n\n"
         "training samples\n"
         "  BIC = 2 n nll + k ln n       k free parameters; Schwarz 1978\n"
         "  ICL = BIC - 2 sum h ln h     h posteriors; Biernacki et al. 2000\n"
         "each with the parameters of the lowest validation error. Less is better.\n",
         false},
};
