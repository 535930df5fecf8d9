"""The tests; their folders mirror jaxnn/."""
