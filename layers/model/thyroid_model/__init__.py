"""The model world: networks, weights, training, evaluation, and the compiler that makes a serving artifact of them."""
