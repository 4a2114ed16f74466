"""``python -m training.evaluate``."""

from training.evaluate.testset import main

if __name__ == "__main__":
    main()
