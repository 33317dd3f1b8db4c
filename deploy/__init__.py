"""What is run around a deployment, on its owner's machine: the image's repository, its bill of materials, licences."""
