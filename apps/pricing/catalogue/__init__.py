"""The operator's catalogue: from YAML files, or a definition over REST, to prices that plans are made from.

Source: docs/domain/catalogue-yaml.md.
"""
