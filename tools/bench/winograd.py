"""How far off Winograd's convolutions of 16-bit integers are: F(2x2, 3x3) and F(4x4, 3x3).

    python tools/bench/winograd.py

Rounds as the kernels do (Sources/CLanternKernels: convolution/winograd.inc, quantized/weights.inc): tiles
after their transform to 14 bits of the largest of their channels, filters to as many bits as leave no
accumulator above 31. Prints the
error of the result, root mean square, to that of the result itself. Needs NumPy.
"""
import numpy as np

CHANNELS, TILES, OUTPUTS = 320, 64, 32
MOST = 8191  # of an activation

# Lavin and Gray, arXiv:1509.09308: transforms of tiles, of kernels, and of sums.
TRANSFORMS = {
    "F(2x2, 3x3)": (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [1/2, 1/2, 1/2], [1/2, -1/2, 1/2], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    "F(4x4, 3x3)": (
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
         [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
        [[1/4, 0, 0], [-1/6, -1/6, -1/6], [-1/6, 1/6, -1/6],
         [1/24, 1/12, 1/6], [1/24, -1/12, 1/6], [0, 0, 1]],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}


def both_ways(matrix, x):
    """matrix · x · matrixᵀ over axes 1 and 2."""
    return np.einsum("ia,jb,nabc->nijc", matrix, matrix, x)


def rounded(x, scale):
    return np.round(x / scale) * scale


def error(tile_transform, kernel_transform, sum_transform, random):
    size, inner = len(tile_transform), len(sum_transform)
    x = random.standard_normal((TILES, size, size, CHANNELS))
    x = x / (1 + np.exp(-x))  # SiLU
    kernels = random.standard_normal((OUTPUTS, 3, 3, CHANNELS)) / np.sqrt(9 * CHANNELS)

    tiles = both_ways(np.array(tile_transform, float), x)
    tiles = rounded(tiles, np.abs(tiles).max(-1, keepdims=True) / MOST)
    places = both_ways(np.array(kernel_transform, float), kernels)
    most, total = np.abs(places).max(-1, keepdims=True), np.abs(places).sum(-1, keepdims=True)
    places = rounded(places, np.maximum(most / 32767, total / (2**31 / MOST - CHANNELS)))
    sums = np.einsum("tijc,oijc->tijo", tiles, places)
    found = both_ways(np.array(sum_transform, float), sums)

    wanted = np.zeros_like(found)
    for row in range(inner):
        for column in range(inner):
            taps = x[:, row:row + 3, column:column + 3]
            wanted[:, row, column] = np.einsum("tabc,oabc->to", taps, kernels)
    return np.sqrt(((found - wanted)**2).mean() / (wanted**2).mean())


if __name__ == "__main__":
    for name, transforms in TRANSFORMS.items():
        print(f"{name}: {error(*transforms, np.random.default_rng(0)):.1e}")
