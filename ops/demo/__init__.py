"""The command `demo`: a made-up evening in a restaurant of its own, to look at."""
