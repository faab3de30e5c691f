/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Usage: caller FOLDER: times libcoterie and, if built with TORCH, libtorch at FOLDER/run and
 * FOLDER/parameters with the samples FOLDER/x. Writes the means of both, and one line of JSON with
 * the nanoseconds of a call: medians of rounds in which they take turns. See tests/bench/predictor.
 */
#include <coterie.h>

#ifdef TORCH
#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

static const int D = 8, T = 4, N = 256, E = 8, H = 32, ROUNDS = 7;

static std::vector<float> read(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<float> numbers(bytes.size() / sizeof(float));
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(float));
    return numbers;
}

static void write(const std::string &path, const float *number, size_t n)
{
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(number), std::streamsize(n * sizeof *number));
}

struct contender {
    std::string name;
    std::function<void()> call;
    std::vector<double> times;
    int calls;
};

/* Of the processor: others that want it do not count. */
static double now()
{
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

static double seconds(const contender &one, int calls)
{
    double start = now();
    for (int i = 0; i < calls; i++)
        one.call();
    return now() - start;
}

/* Each takes about 20 ms a round, after a first one that does not count. */
static void take_turns(std::vector<contender> &all)
{
    for (contender &one : all) {
        seconds(one, 200);
        one.calls = int(0.02 / (seconds(one, 100) / 100)) + 1;
    }
    for (int round = 0; round < ROUNDS; round++)
        for (contender &one : all)
            one.times.push_back(1e9 * seconds(one, one.calls) / one.calls);
}

#ifdef TORCH
static torch::jit::Module load_torch(const std::vector<float> &parameter)
{
    torch::jit::Module module("mixture");
    const float *at = parameter.data();
    auto take = [&](at::IntArrayRef shape) {
        at::Tensor tensor = torch::from_blob(const_cast<float *>(at), shape).clone();
        at += tensor.numel();
        return tensor;
    };
    const std::pair<const char *, std::vector<int64_t>> rows[] = {
        {"x_mean", {D}},           {"x_scale", {D}},        {"y_mean", {T}},
        {"y_scale", {T}},          {"gate", {E, D}},        {"gate_bias", {E}},
        {"first", {E * H, D}},     {"first_bias", {E * H}}, {"second", {E, T, H}},
        {"second_bias", {E, 1, T}}};
    for (const auto &row : rows) {
        at::Tensor tensor = take(row.second);
        std::string name = row.first; /* weights as products want them */
        if (name == "gate" || name == "first")
            tensor = tensor.t().contiguous();
        if (name == "second")
            tensor = tensor.transpose(1, 2).contiguous();
        module.register_buffer(name, tensor);
    }
    module.register_attribute("training", c10::BoolType::get(), false);
    module.define(R"(
def forward(self, x):
    s = (x - self.x_mean) / self.x_scale
    g = torch.softmax(torch.addmm(self.gate_bias, s, self.gate), 1)
    h = torch.tanh(torch.addmm(self.first_bias, s, self.first)).view(x.size(0), 8, 32).transpose(0, 1)
    o = torch.baddbmm(self.second_bias, h, self.second)
    y = (o * g.t().unsqueeze(2)).sum(0)
    return y * self.y_scale + self.y_mean
)");
    module.eval();
    torch::jit::Module frozen = torch::jit::freeze(module);
    return torch::jit::optimize_for_inference(frozen);
}
#endif

int main(int argc, char **argv)
{
    std::string folder = argc > 1 ? argv[1] : ".";
    char message[512];
    coterie_model *model;
    if (coterie_model_open((folder + "/run").c_str(), &model, message, sizeof message)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    std::vector<float> x = read(folder + "/x"), mean(N * T);
    std::vector<double> wide(x.begin(), x.end()), wide_mean(N * T), jacobian(N * T * D);
    std::vector<char> work(coterie_workspace(model, N));
    coterie_prediction_float asked = {};
    coterie_prediction asked_wide = {};
    asked.mean = mean.data();
    asked_wide.mean = wide_mean.data();
    std::vector<contender> all;
    for (size_t n : {size_t(1), size_t(N)}) {
        std::string batch = " " + std::to_string(n);
        all.push_back({"coterie" + batch,
                       [&, n] { coterie_predict_float(model, n, x.data(), &asked, work.data()); },
                       {},
                       0});
        all.push_back({"coterie, doubles" + batch,
                       [&, n] { coterie_predict(model, n, wide.data(), &asked_wide, nullptr); },
                       {},
                       0});
        all.push_back(
            {"jacobian" + batch,
             [&, n] { coterie_jacobian(model, n, wide.data(), jacobian.data(), work.data()); },
             {},
             0});
    }
#ifdef TORCH
    at::set_num_threads(1);
    c10::InferenceMode guard;
    torch::jit::Module module = load_torch(read(folder + "/parameters"));
    at::Tensor samples = torch::from_blob(x.data(), {N, D}), said;
    for (int n : {1, N}) {
        std::vector<c10::IValue> input = {samples.slice(0, 0, n)};
        all.push_back({"torch " + std::to_string(n),
                       [&, input] { said = module.forward(input).toTensor(); },
                       {},
                       0});
    }
#endif
    take_turns(all);
    write(folder + "/coterie-mean", mean.data(), mean.size());
#ifdef TORCH
    write(folder + "/torch-mean", said.contiguous().data_ptr<float>(), mean.size());
    printf("{\"libtorch\": \"%s\", ", TORCH_VERSION);
#else
    printf("{");
#endif
    for (contender &one : all) {
        std::nth_element(one.times.begin(), one.times.begin() + ROUNDS / 2, one.times.end());
        printf("\"%s\": %.1f, ", one.name.c_str(), one.times[ROUNDS / 2]);
    }
    printf("\"libcoterie\": \"%s\"}\n", coterie_version());
    coterie_model_close(model);
    return 0;
}
