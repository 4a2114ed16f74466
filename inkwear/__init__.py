"""What you take away: the ONNX files, and the torch-free code that feeds and reads them."""
