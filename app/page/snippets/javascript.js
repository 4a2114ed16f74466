// One picture to Inkwear: picture is a File, a Blob or a canvas's blob.
async function classify(picture, model = "mnist-sturdy") {
  const address = `http://127.0.0.1:7860/classify?model=${model}`;
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await fetch(address, { method: "POST", headers, body: picture });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer; // .status, .label, .confidence, .probabilities
}
