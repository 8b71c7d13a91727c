"""Parses a document with the grammar of its language:  parse.py LANGUAGE FILE"""

import importlib
import sys

from tree_sitter import Language, Parser

MODULES = {"csharp": "tree_sitter_c_sharp"}


def main(language, file):
    module = importlib.import_module(MODULES.get(language, f"tree_sitter_{language}"))
    with open(file, "rb") as document:
        text = document.read()
    tree = Parser(Language(module.language())).parse(text)
    wrong = [node for node in walk(tree.root_node) if node.is_error or node.is_missing]
    for node in wrong:
        line = text.splitlines()[node.start_point[0]].decode()
        print(f"{language}: line {node.start_point[0] + 1}: {line}", file=sys.stderr)
    if wrong or b"GenerateTwoFactorAuthenticationKeyRequest" not in text:
        sys.exit(1)
    print(f"{language}: parsed, {sum(1 for _ in walk(tree.root_node))} nodes")


def walk(node):
    yield node
    for child in node.children:
        yield from walk(child)


main(*sys.argv[1:])
