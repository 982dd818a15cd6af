import Testing

/// Pictures that follow others, or have others next to the prompt, against those of diffusers' pipelines.
@Suite struct ControlParityTests {
  /// The cases of each fixture, as they are without one at hand.
  static let cases = ["tiny_control", "tiny_adapter", "tiny_ip_adapter"].flatMap { fixture in
    let names = (try? ControlReference(fixture).cases.keys.sorted()) ?? []
    return names.map { (fixture: fixture, name: $0) }
  }

  @Test(
    "latents after each step equal those of diffusers within 1e-4, pictures within 1/255",
    arguments: cases)
  func parity(pair: (fixture: String, name: String)) throws {
    #expect(Self.cases.count == 17 + 14 + 14)
    try ControlReference(pair.fixture).expectParity(pair.name)
  }
}
