import LanternPlatform
package import LanternPictures

extension Picture {
  /// Peak signal-to-noise ratio (PSNR) against another picture of the same size, in decibels; 99 at most, where they
  /// are equal.
  package func decibels(against other: Picture) -> Double {
    var sum = 0.0
    for (x, y) in zip(pixels, other.pixels) {
      let difference = Double(x) - Double(y)
      sum += difference * difference
    }
    let mean = sum / Double(max(pixels.count, 1))
    return mean > 0 ? min(99, 10 * log10(255 * 255 / mean)) : 99
  }

  /// The largest difference of a value from that of another picture of the same size, of 255.
  package func largestDifference(from other: Picture) -> Int {
    zip(pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
  }
}
