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
}
