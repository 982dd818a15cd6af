import Testing

@testable import LanternTensor

@Suite struct BufferPoolTests {
  @Test("a buffer given back serves the next of its size, until the pool is drained of such sizes")
  func drain() throws {
    let pool = BufferPool()
    let (small, large) = (1000, 5 << 20)
    // Takes one buffer of each size and gives both back; how many were ever asked of the system.
    func use() throws -> Int {
      let buffers = try (pool.take(small), pool.take(large))
      pool.give(buffers.0.base, buffers.0.size)
      pool.give(buffers.1.base, buffers.1.size)
      return pool.allocationCount
    }
    #expect(try use() == 2)
    #expect(try use() == 2)
    pool.drain(atLeast: 4 << 20)
    #expect(try use() == 3)
    pool.drain()
    #expect(try use() == 5)
    #expect(pool.peakByteCount < 6 << 20)
    pool.drain()
  }

  @Test("a free buffer of up to twice the size serves too, a kept one goes back to the system")
  func sizes() throws {
    let pool = BufferPool()
    let large = try pool.take(4000)
    pool.give(large.base, large.size)
    let small = try pool.take(2100)
    #expect(small.base == large.base && small.size == large.size)
    pool.give(small.base, small.size)
    let other = try pool.take(1500)
    #expect(other.base != large.base)
    pool.give(other.base, other.size)
    #expect(pool.allocationCount == 2)
    // Of a size between the pool's own, so that it is known again.
    for count in [4001, (3 << 20) + 1] {
      pool.forgetPeak()
      let held = pool.peakByteCount
      let kept = try pool.take(count, isLongLived: true)
      #expect(kept.size == count)
      #expect(pool.peakByteCount == held + count)
      pool.give(kept.base, kept.size)
      pool.forgetPeak()
      #expect(pool.peakByteCount == held)
    }
    pool.drain()
  }

  @Test("a draft in place has the tensor's own bytes, unless somebody else holds them")
  func inPlace() throws {
    var alone = try Tensor([1.5, 2, 3, 4], shape: [2, 2])
    let place = alone.bytes
    #expect(try alone.draftInPlace().bytes == place)
    var shared = try Tensor([1.5, 2, 3, 4], shape: [2, 2])
    let other = shared
    #expect(try shared.draftInPlace().bytes != other.bytes)
    var part = try Tensor([1.5, 2, 3, 4], shape: [2, 2]).sliced(axis: 0, 1..<2)
    #expect(try part.draftInPlace().bytes != part.bytes)
    var none: Tensor?
    #expect(try none.draftInPlace(or: [3]).shape == [3])
  }
}
