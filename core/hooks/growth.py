"""Two signatures or unions side by side: what is in one and not in the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from core.hooks.promises import Direction, Member

__all__ = ["fits", "grown", "named", "same_arguments", "variants"]


def fits(old: str, new: str, ways: frozenset[Direction]) -> bool:
    """What plugins make may be wider, what they read narrower; what goes both ways neither."""
    was, now = variants(old), variants(new)
    return (ways == {Direction.MADE} and was < now) or (ways == {Direction.READ} and now < was)


def variants(annotation: str) -> frozenset[str]:
    """Return the members of a union, or the one type that it is."""

    def split(node: ast.expr) -> Iterator[str]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            yield from split(node.left)
            yield from split(node.right)
        else:
            yield ast.unparse(node)

    return frozenset(split(ast.parse(annotation, mode="eval").body)) if annotation else frozenset()


def same_arguments(old: Member, new: Member) -> bool:
    """Return whether two methods take the same, word for word."""
    if old.arguments is None or new.arguments is None:
        return old.arguments is new.arguments
    return ast.dump(old.arguments) == ast.dump(new.arguments)


def named(member: Member) -> dict[str, str]:
    """Return a function's arguments by name, with what each is annotated with."""
    arguments = member.arguments
    assert arguments is not None
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return {each.arg: ast.unparse(each.annotation) if each.annotation else "" for each in every}


def grown(old: Member, new: Member) -> bool:
    """Say whether arguments were only added, each with a default, none before one that was there."""
    was, now = old.arguments, new.arguments
    if was is None or now is None:
        return False
    placed = [ast.dump(each) for each in (*was.posonlyargs, *was.args)]
    placed_now = [ast.dump(each) for each in (*now.posonlyargs, *now.args)]
    if placed_now[: len(placed)] != placed or len(was.posonlyargs) != len(now.posonlyargs):
        return False
    if len(placed_now) - len(placed) != len(now.defaults) - len(was.defaults):
        return False
    kept = {each.arg: ast.dump(each) for each in was.kwonlyargs}
    optional = {
        each.arg
        for each, default in zip(now.kwonlyargs, now.kw_defaults, strict=True)
        if default is not None
    }
    by_name = {each.arg: ast.dump(each) for each in now.kwonlyargs}
    return all(by_name.get(name) == text for name, text in kept.items()) and (
        by_name.keys() - kept.keys() <= optional
    )
