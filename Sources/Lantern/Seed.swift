/// Random seeds.
package enum Seed {
  /// A random seed. PyTorch's generator uses 32 bits of a seed, so it has no more.
  package static func random() -> UInt64 { UInt64(UInt32.random(in: 0...UInt32.max)) }
}
