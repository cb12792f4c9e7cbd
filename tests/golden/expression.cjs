// Runs the published mini_XCEPTION under TensorFlow.js: `node expression.cjs FOLDER`, in which lie node_modules,
// emotion.json, emotion.bin and the input as input.f32; prints the output as JSON. Called by nets.py.
const fs = require("fs");
const folder = process.argv[2];
const library = require("module").createRequire(`${folder}/`);
console.log = () => {};
const tf = library("@tensorflow/tfjs-core");
library("@tensorflow/tfjs-backend-cpu");
const { loadGraphModel } = library("@tensorflow/tfjs-converter");

const whole = (file) => new Uint8Array(fs.readFileSync(`${folder}/${file}`)).buffer;
const graph = JSON.parse(fs.readFileSync(`${folder}/emotion.json`));
const artefacts = {
  modelTopology: graph.modelTopology,
  weightSpecs: graph.weightsManifest[0].weights,
  weightData: whole("emotion.bin"),
};
loadGraphModel({ load: async () => artefacts }).then((model) => {
  const input = tf.tensor(new Float32Array(whole("input.f32")), [1, 64, 64, 1]);
  process.stdout.write(JSON.stringify(Array.from(model.predict(input).dataSync())));
});
