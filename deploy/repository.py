"""Prints the address of an image repository (ECR), which is created if it does not exist.

``python -m deploy.repository NAME``, with AWS credentials. All functions share one repository: by default the SAM CLI
creates one for each and pushes the same image to all of them.
"""

import argparse
import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# Each deployment pushes an image. A rollback needs the images of old versions, but only recent ones.
MAX_IMAGES = 20
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Keep the last {MAX_IMAGES} images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": MAX_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}


def repository(name: str, region: str | None = None) -> str:
    """Return the address of a repository of this account; create it if it does not exist.

    Parameters
    ----------
    name : str
        Name of the repository.
    region : str, optional
        Region of the repository; by default that of the credentials.

    Raises
    ------
    botocore.exceptions.ClientError
        If AWS returns an error.
    """
    registry = boto3.client("ecr", region_name=region)
    try:
        return str(registry.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"])
    except registry.exceptions.RepositoryNotFoundException:
        created = registry.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )
        registry.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(LIFECYCLE))
        return str(created["repository"]["repositoryUri"])


def main(arguments: list[str] | None = None) -> int:
    """Print the address; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.repository", description="Print an image repository's address."
    )
    parser.add_argument("name", help="name of the repository, in the account of your AWS credentials")
    parser.add_argument("--region", help="region of the repository; by default that of the credentials")
    options = parser.parse_args(arguments)
    try:
        print(repository(options.name, options.region or None))  # noqa: T201
    except (BotoCoreError, ClientError) as error:
        print(f"error: AWS returned no image repository: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
