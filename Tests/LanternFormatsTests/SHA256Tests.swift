import LanternFormats
import Testing

/// Digests are those of Python's `hashlib`.
@Suite struct SHA256Tests {
  @Test("digests equal the standard's", arguments: SHA256Tests.cases)
  func digests(count: Int, digest: String) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
    #expect(SHA256.hex(of: bytes) == digest)
  }

  @Test("SHA-1 equals the standard's", arguments: SHA256Tests.shorter)
  func shorterDigests(count: Int, digest: String) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
    #expect(SHA1.hex(of: bytes) == digest)
  }

  @Test("bytes that come piece by piece have the digest of the whole")
  func pieces() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
    for step in [1, 7, 63, 64, 65, 128, 200, 999] {
      var digest = RunningDigest<SHA256>()
      for start in stride(from: 0, to: bytes.count, by: step) {
        bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { digest.update($0) }
        // To read it changes nothing.
        if start > 500 { _ = digest.hex }
      }
      #expect(digest.hex == SHA256.hex(of: bytes), "\(step)")
    }
  }

  static let shorter = [
    (0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (1, "9842926af7ca0a8cca12604f945414f07b01e13d"),
    (55, "ddf57317ef34bfee3b6df83d359098930eb278bc"),
    (56, "a0d492bb0fc889d0eca3bc137066ab6f4f74f369"),
    (63, "c55856749bef509bdfe6bfebfc7bf4e793e82132"),
    (64, "bede92be29c3874e1b54ddc77988d606fc857a8e"),
    (65, "b05a80522b053d6dc7e0a517d0e70212c7dad11f"),
    (119, "504e27376a6e0f0dba8295b85cb25dc4dfa17d23"),
    (120, "82134b02fb3f702491be9bed581eeab59334acb2"),
    (1000, "4231a8a50a10fa9758db8ec71fdef855b751048a"),
  ]

  static let cases = [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"),
    (55, "e7313d333c272e639f790978283f9eb392e843d0f29b7016828bb1daa4aac70b"),
    (56, "4324d65f3c103567f5589c710bc08f8523f929a9272e3af36fc968e52abc6c27"),
    (63, "81c80242132f230c3bd41b3e63bbcff16107339549214a99614ff26664625055"),
    (64, "39e3d7b6b5d075d37d053ad89b24b41bef4f3c29760c84447cab3f3be1882241"),
    (65, "aacca6ff74fdbb296d165a45cecfa04e5127bc008770fbbdd48006f2d2fae95e"),
    (119, "9ce7368e4daf32341631b492e80359dc9f594b48453cd0dd5bf0b19279cc177e"),
    (120, "7836b787757e95e58b3ca5aec90b1b004e8deba1e50e9675af9cabf1a13a04b5"),
    (128, "d2742f1f4ac6bb7ca2b239ee18402ba8b3f9f8e652d2a72973c2b9ba11c08cf6"),
    (1000, "1e9bc38cbf860b9ec31918b065f9b52476c549a782e0e7990bed8ce3868d2371"),
  ]
}
