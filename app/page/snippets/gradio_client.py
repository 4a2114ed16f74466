"""One picture to Inkwear, with Gradio's client (pip install gradio_client)."""

from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860", verbose=False)
answer = client.predict(handle_file("five.png"), "mnist-sturdy", api_name="/classify")
print(answer["status"], answer["label"], answer["confidence"])
