import TestSupport
import Testing

/// Pictures that follow others, drawn again.
@Suite("lantern image --like, of pictures that follow others") struct LikeControlTests {
  @Test("other ControlNets than those that drew it are noted, and the same ones are not")
  func others() throws {
    try withTemporaryFolder { folder in
      let (first, second) = (fixture("tiny_control/first"), fixture("tiny_control/second"))
      let photo = repositoryPath("samples/fox.png")
      func draw(_ more: [String]) throws -> Program.Run {
        try Program.run(["image", "-m", fixture("tiny_pipeline")] + more, in: folder)
      }
      let both = ["--control", "\(first):\(photo)", "--control", "\(second):canny:\(photo)"]
      let old = try draw(["a fox", "-s", "1", "-W", "64", "-H", "64", "-o", "a.png"] + both)
      #expect(old.code == 0, "\(old.errors)")
      let same = try draw(["--like", "a.png"] + both)
      #expect(same.code == 0 && !same.errors.contains("followed others"), "\(same.errors)")
      for given in [Array(both.prefix(2)), both.map { $0.replacing("canny:", with: "") }] {
        let other = try draw(["--like", "a.png"] + given)
        #expect(other.errors.contains("followed others by first, second:canny"), "\(other.errors)")
      }
    }
  }
}
