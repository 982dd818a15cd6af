/// Seeds of what is left to chance.
package enum Seed {
  /// One by chance. PyTorch's generator heeds 32 bits of a seed, so it has no more.
  package static func random() -> UInt64 { UInt64(UInt32.random(in: 0...UInt32.max)) }
}
