"""The Merkle tree: as RFC 6962 defines it, grown leaf by leaf, and the way from each leaf."""

import hashlib
from collections.abc import Sequence

import pytest

from core.record.merkle_tree import GrowingTree, leaf_hash, node_hash, root_by_way, root_of, way_of

SIZES = range(1, 40)

RFC_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The inputs of the test vectors of certificate-transparency."""

RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined(leaves: Sequence[bytes]) -> bytes:
    """The definition, by halves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return node_hash(defined(leaves[:left]), defined(leaves[left:]))


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def test_the_roots_are_those_of_the_known_vectors() -> None:
    """Others must be able to check ours with their own tools."""
    leaves = [leaf_hash(data) for data in RFC_LEAVES]

    assert RFC_ROOTS == [root_of(leaves[:size]).hex() for size in range(1, 9)]


def test_a_tree_that_grows_has_the_root_of_the_definition() -> None:
    """Also a tree without a leaf, and a copy that goes its own way."""
    tree = GrowingTree()
    for size, leaf in enumerate([*hashes(40), b""]):
        assert (size, defined(hashes(size))) == (tree.size, tree.root())
        other = tree.copy()
        other.add(b"another")
        tree.add(leaf)
        assert other.root() != tree.root()


@pytest.mark.parametrize("size", SIZES)
def test_the_way_of_a_leaf_leads_to_the_root_from_its_own_place_alone(size: int) -> None:
    """Else one event could be shown as another, or two places as one."""
    leaves = hashes(size)
    for index, leaf in enumerate(leaves):
        way = way_of(leaves, index)
        assert len(way) <= (size - 1).bit_length()
        for place in range(-1, size + 1):
            led = root_by_way(leaf, way, index=place, size=size)
            assert (led == root_of(leaves)) is (place == index)


def test_a_way_that_is_too_short_or_too_long_leads_nowhere() -> None:
    """A node is no leaf, and a root is no way."""
    leaves = hashes(7)
    way = way_of(leaves, 2)

    assert root_by_way(leaves[2], way[:-1], index=2, size=7) is None
    assert root_by_way(leaves[2], (*way, leaves[0]), index=2, size=7) is None
    assert root_by_way(leaves[0], (), index=0, size=1) == leaves[0]


@pytest.mark.parametrize("size", range(18))
def test_a_tree_goes_on_from_what_another_kept(size: int) -> None:
    """From each size on: log2(n) hashes are all that is needed of the past."""
    leaves = [leaf_hash(bytes([number])) for number in range(20)]
    whole, part = GrowingTree(), GrowingTree()
    for leaf in leaves[:size]:
        part.add(leaf)
    resumed = GrowingTree.resumed(part.size, part.perfect)
    for leaf in leaves:
        whole.add(leaf)
    for leaf in leaves[size:]:
        resumed.add(leaf)
    assert (resumed.size, resumed.root()) == (whole.size, whole.root())


def test_a_tree_of_another_number_of_hashes_is_none() -> None:
    for size, count in ((1, 2), (-1, 0), (3, 1)):
        with pytest.raises(ValueError, match="hashes"):
            GrowingTree.resumed(size, [b""] * count)
