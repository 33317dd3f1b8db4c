"""The Keras model behind model servers that people would take instead, each in an environment of its own."""
