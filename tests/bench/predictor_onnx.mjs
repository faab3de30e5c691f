// SPDX-License-Identifier: BSD-3-Clause
// Usage: node predictor_onnx.mjs PACKAGE MODEL X MEAN: times ONNX Runtime, of the npm package onnxruntime-node, at the
// model with the samples X (floats), on one thread. Writes the means, and one line of JSON with the nanoseconds of a
// call: medians. Calls the binding itself: its promise would add a turn of the event loop to each call.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const [folder, model, samples, output] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { binding } = require(`${folder}/dist/binding.js`);
const { Tensor } = createRequire(`${folder}/package.json`)("onnxruntime-common");
const version = require(`${folder}/package.json`).version;
const D = 8, N = 256, ROUNDS = 7;

const session = new binding.InferenceSession();
session.loadModel(model, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential",
    graphOptimizationLevel: "all" });
const bytes = readFileSync(samples);
const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const times = { "onnxruntime-node": version };
let mean;

function nanoseconds(feeds, calls) {
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++)
        mean = session.run(feeds, { mean: null }, {}).mean;
    const { user, system } = process.cpuUsage(start);
    return 1000 * (user + system) / calls;
}

for (const n of [1, N]) {
    const feeds = { x: new Tensor("float32", all.slice(0, n * D), [n, D]) };
    nanoseconds(feeds, 500);
    const calls = Math.ceil(2e7 / nanoseconds(feeds, 200));
    const rounds = Array.from({ length: ROUNDS }, () => nanoseconds(feeds, calls)).sort((a, b) => a - b);
    times[`onnx ${n}`] = rounds[(ROUNDS - 1) / 2];
}
writeFileSync(output, new Uint8Array(mean.data.buffer, mean.data.byteOffset, mean.data.byteLength));
console.log(JSON.stringify(times));
