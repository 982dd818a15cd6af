import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// The fixture is made by tools/fixtures/judge.py, with the judge of training/judge.py.
@Suite struct JudgeTests {
  private let reference: ModelFixture

  init() throws { reference = try ModelFixture("judge", "small") }

  private func judge(_ config: Config, _ weights: Weights) throws(ModelError) -> Judge {
    try Judge(JudgeConfig(config), weights)
  }

  @Test("the judge's outputs equal those of the one that was trained")
  func parity() throws {
    let judge = try reference.build(judge)
    let pictures = try reference.tensor("pictures")
    for index in 0..<pictures.shape[0] {
      let part = index..<index + 1
      let found = try judge(pictures.sliced(axis: 0, part))
      for (ours, name) in [
        (found.things, "things"), (found.places, "places"), (found.features, "features"),
      ] {
        try expectEqual(
          ours, reference.tensor(name).sliced(axis: 0, part), relative: 1e-4, "\(name) \(index)")
      }
    }
  }

  @Test("the judge reads things, colours, middles and the place as the one that was trained")
  func readings() throws {
    let judge = try reference.build(judge)
    let pictures = try reference.tensor("pictures")
    let wanted = try #require(try reference.json("readings").array)
    for (index, value) in wanted.enumerated() {
      let reading = try judge.read(pictures.sliced(axis: 0, index..<index + 1))
      let things = try #require(value.object?["things"]?.array)
      #expect(reading.place == value.object?["place"]?.string)
      #expect(reading.things.count == things.count)
      for (ours, theirs) in zip(reading.things, things) {
        let facts = try #require(theirs.array)
        #expect(ours.subject == facts[0].string && ours.colour == facts[1].string)
        #expect(ours.hasOwnColour == facts[2].bool)
        #expect(Double(ours.x) == facts[3].double && Double(ours.y) == facts[4].double)
        #expect(abs(Double(ours.certainty) - (facts[5].double ?? 0)) < 1e-4)
      }
    }
  }

  @Test("impossible settings, sizes and tensors are refused by name")
  func refusals() throws {
    let sizes = "config.json: block_out_channels must be 2 to 8 multiples of norm_num_groups"
    #expect(try reference.complaint(judge, "norm_num_groups", .integer(0)).hasPrefix(sizes))
    #expect(try reference.complaint(judge, "block_out_channels", .array([])).hasPrefix(sizes))
    #expect(try reference.complaint(judge, "colours", .array([])).hasPrefix(sizes))
    #expect(try reference.complaint(judge, "wings", .integer(2)).contains("\"wings\""))
    #expect(
      try reference.complaintOfWeights(judge) { $0["place.bias"] = nil }.contains("place.bias"))
    #expect(
      try reference.complaintOfWeights(judge) { $0["more"] = $0["place.bias"] }.contains("more"))
    let judge = try reference.build(judge)
    #expect(throws: TensorError.self) {
      try judge.read(Tensor(repeating: 0, shape: [1, 40, 32, 3]))
    }
  }
}
