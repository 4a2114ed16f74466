// An Inkwear .onnx file in a browser, with onnxruntime-web.
import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1; // more need a page with the headers COOP and COEP

/** Open a file: `const classifier = await open("mnist-lenet.onnx")`; it checks itself with its reference picture. */
export async function open(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const file = new Uint8Array(await response.arrayBuffer());
  const about = readMetadata(file);
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });

  /** N × size × size bytes, 28 for most files, bright on black -> N lists of logits. */
  async function logits(pixels) {
    const { mean, std, size = 28 } = about.input;
    const images = Float32Array.from(pixels, (value) => (value / 255 - mean) / std);
    const feeds = { images: new ort.Tensor("float32", images, [pixels.length / size ** 2, 1, size, size]) };
    const { data, dims } = (await session.run(feeds)).logits;
    return Array.from({ length: dims[0] }, (_, row) => [...data.slice(row * dims[1], (row + 1) * dims[1])]);
  }

  /** size × size bytes -> what it is, with its probability. */
  async function classify(pixels) {
    const [row] = await logits(pixels);
    const exponents = row.map((value) => Math.exp((value - Math.max(...row)) / about.temperature));
    const sum = exponents.reduce((a, b) => a + b);
    const best = row.indexOf(Math.max(...row));
    const confidence = exponents[best] / sum;
    return { label: about.class_names[best], confidence, sure: confidence >= about.reject_threshold };
  }

  const reference = Uint8Array.from(atob(about.reference.pixels), (character) => character.charCodeAt(0));
  const [found] = await logits(reference);
  const difference = Math.max(...found.map((value, index) => Math.abs(value - about.reference.logits[index])));
  if (!(difference <= 1e-3)) throw new Error(`${url} reads its own reference picture otherwise than it states`);
  return { about, logits, classify };
}

/** The gray bytes of an image, canvas or video that is 28×28 and bright on black; others are squeezed to that size. */
export function pixelsOf(image, size = 28) {
  const context = Object.assign(document.createElement("canvas"), { width: size, height: size }).getContext("2d");
  context.drawImage(image, 0, 0, size, size);
  return context.getImageData(0, 0, size, size).data.filter((_, index) => index % 4 === 0);
}

/** What a file says of itself. An ONNX file is a protocol buffer: metadata_props are its fields 14, key 1, value 2. */
export function readMetadata(file) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  const entries = [...fields(file)].filter(([number]) => number === 14).map(([, entry]) => new Map(fields(entry)));
  return Object.fromEntries(entries.map((entry) => [text(entry.get(1)), JSON.parse(text(entry.get(2)))]));
}

/** Number and bytes of every field that has a length; the others are skipped. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1, more = true; more; scale *= 128) {
      more = bytes[at] >= 128;
      value += (bytes[at++] % 128) * scale;
    }
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key % 8; // 0: a number, 1: eight bytes, 2: a length and as many bytes, 5: four bytes
    const length = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : 0;
    if (kind === 0) varint();
    if (kind === 2) yield [Math.floor(key / 8), bytes.subarray(at, at + length)];
    at += length;
  }
}
