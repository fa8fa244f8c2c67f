"""The Merkle tree of RFC 6962 over a growing list: its root, and the way from one leaf to it.

A root binds every leaf and its place; the way from a leaf to the root is log2(n) hashes long.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
"""[B] of a SHA-256."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf; the prefix keeps a node from being shown as a leaf."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return hashlib.sha256(_NODE + left + right).digest()


class GrowingTree:
    """A tree to which leaves are added; it keeps log2(n) hashes, not the leaves."""

    def __init__(self) -> None:
        """Begin without a leaf."""
        self.size = 0
        """[-] leaves so far."""
        self._perfect: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self.size += 1
        ends_here = self.size
        while not ends_here % 2:
            leaf = node_hash(self._perfect.pop(), leaf)
            ends_here //= 2
        self._perfect.append(leaf)

    @property
    def perfect(self) -> tuple[bytes, ...]:
        """Give the roots of the perfect subtrees, the largest first: all that the tree keeps."""
        return tuple(self._perfect)

    @classmethod
    def resumed(cls, size: int, perfect: Sequence[bytes]) -> "GrowingTree":
        """Go on from what a tree of this size kept.

        Raises:
            ValueError: a tree of this size keeps another number of hashes.
        """
        if size < 0 or len(perfect) != size.bit_count():
            raise ValueError(f"{len(perfect)} hashes for a tree of {size} leaves")
        tree = cls()
        tree.size, tree._perfect = size, list(perfect)
        return tree

    def copy(self) -> "GrowingTree":
        """Give another tree that grows on from here by itself."""
        return GrowingTree.resumed(self.size, self._perfect)

    def root(self) -> bytes:
        """Give the root over all leaves so far; of none the hash of nothing."""
        return _joined(self._perfect)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over the hashes of leaves."""
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def way_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Give the hashes that lead from a leaf to the root, the one beside the leaf first.

    Args:
        leaves: hashes of all leaves of the tree.
        index: [-] which of them, 0 to size - 1.
    """
    way: list[bytes] = []
    first, size = 0, len(leaves)
    while size > 1:
        left = 1 << (size - 1).bit_length() - 1
        middle = first + left
        if index < middle:
            way.append(root_of(leaves[middle : first + size]))
            size = left
        else:
            way.append(root_of(leaves[first:middle]))
            first, size = middle, size - left
    return tuple(reversed(way))


def root_by_way(leaf: bytes, way: Sequence[bytes], *, index: int, size: int) -> bytes | None:
    """Give the root that a leaf and its way lead to; None where the way is none for this place.

    Args:
        leaf: its hash.
        way: as `way_of` gives it.
        index: [-] the place of the leaf, 0 to size - 1.
        size: [-] leaves of the tree.
    """
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf
    for beside in way:
        if not last:
            return None
        if index % 2 or index == last:
            root = node_hash(beside, root)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            root = node_hash(root, beside)
        index, last = index // 2, last // 2
    return None if last else root


def _joined(perfect: Sequence[bytes]) -> bytes:
    if not perfect:
        return hashlib.sha256().digest()
    root = perfect[-1]
    for left in reversed(perfect[:-1]):
        root = node_hash(left, root)
    return root
