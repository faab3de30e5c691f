// SPDX-License-Identifier: BSD-3-Clause
// Usage: node run_onnx.mjs ONNXRUNTIME JOBS: JOBS is a list of {model, x, samples, folder} in JSON.
// Runs each model in ONNX Runtime with the numbers in the file x, and writes each output to a file
// in the folder: numbers as they are, texts as JSON.
import { readFileSync, writeFileSync } from "node:fs";

const ort = await import(process.argv[2]);
ort.env.wasm.numThreads = 1;
for (const job of JSON.parse(readFileSync(process.argv[3], "utf8"))) {
    const session = await ort.InferenceSession.create(readFileSync(job.model));
    const bytes = readFileSync(job.x);
    const Numbers = job.type === "float64" ? Float64Array : Float32Array;
    const x = new Numbers(bytes.buffer, bytes.byteOffset, bytes.byteLength / Numbers.BYTES_PER_ELEMENT);
    const result = await session.run({ x: new ort.Tensor(job.type, x, [job.samples, x.length / job.samples]) });
    for (const [name, tensor] of Object.entries(result)) {
        const text = tensor.type === "string";
        writeFileSync(`${job.folder}/${name}.${text ? "json" : tensor.type}`,
            text ? JSON.stringify(tensor.data) : new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
    }
    await session.release();
}
