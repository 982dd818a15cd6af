import LanternPlatform
import LanternLayers
import LanternTensor
import Testing

@Suite struct ModelPartTests {
  private struct Unreadable: Error {}

  @Test("a part is read once when it is first needed, and again when it was released")
  func reading() async throws {
    let reads = Locked(0)
    let part = ModelPart {
      reads { $0 += 1 }
      return reads { $0 }
    }
    #expect(reads { $0 } == 0)
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 { group.addTask { part() } }
      for await value in group { #expect(value == 1) }
    }
    part.release()
    #expect(reads { $0 } == 1)
    #expect(part() == 2 && part() == 2)
  }

  @Test("a part that could not be read is tried again")
  func failure() throws {
    let reads = Locked(0)
    let part = ModelPart { () throws(Unreadable) in
      reads { $0 += 1 }
      if reads({ $0 }) == 1 { throw Unreadable() }
      return 5
    }
    #expect(throws: Unreadable.self) { try part() }
    #expect(try part() == 5)
  }
}
