"""What is run around a deployment, on its owner's machine: release, repository, bill of materials, licences."""
