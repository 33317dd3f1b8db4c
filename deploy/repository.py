"""Prints the address of the image repository (ECR) of a name, which is made if there is none.

``python -m deploy.repository NAME``, with AWS credentials at hand. One for all functions: left to itself, the SAM CLI
makes one for each and pushes the same image to all of them.
"""

import argparse
import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# Each deployment pushes an image; those of old versions are what a rollback needs, but not for ever.
KEPT_IMAGES = 20
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Keep the last {KEPT_IMAGES} images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}


def repository(name: str, region: str | None = None) -> str:
    """Return the address of a repository of this account; make it if there is none.

    Parameters
    ----------
    name : str
        Of the repository.
    region : str, optional
        Where it is; left out, that of the credentials.

    Raises
    ------
    botocore.exceptions.ClientError
        If AWS refuses.
    """
    registry = boto3.client("ecr", region_name=region)
    try:
        return str(registry.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"])
    except registry.exceptions.RepositoryNotFoundException:
        made = registry.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )
        registry.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(LIFECYCLE))
        return str(made["repository"]["repositoryUri"])


def main(arguments: list[str] | None = None) -> int:
    """Print the address; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.repository", description="Give the image's repository.")
    parser.add_argument("name", help="of the repository, in the account of your AWS credentials")
    parser.add_argument("--region", help="where it is; left out, that of the credentials")
    options = parser.parse_args(arguments)
    try:
        print(repository(options.name, options.region or None))  # noqa: T201
    except (BotoCoreError, ClientError) as error:
        print(f"error: AWS gave no image repository: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
