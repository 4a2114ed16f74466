"""``python -m training.export``: the command of ``training.publish.export``."""

from training.publish.export import main

if __name__ == "__main__":
    main()
