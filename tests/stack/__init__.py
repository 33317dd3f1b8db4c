"""Tests of the stack as CloudFormation sees it: the template after SAM's transform."""
