import LanternFormats
import LanternSamplers
import TestSupport
import Testing

/// The settings that classes of diffusers have: tools/fixtures/config_keys.py.
@Suite struct SchedulerKeysTests {
  @Test("no setting that a scheduler has counts as one that it has not, and others are noted")
  func known() throws {
    let classes = try #require(try JSON.read(fixture("config_keys.json")).object)
    let schedulers = classes.filter { $0.key.hasSuffix("Scheduler") }
    #expect(schedulers.count > 20)
    for (name, value) in schedulers {
      var members = try #require(value.object)
      members["_class_name"] = .string(name)
      let config = Config(members, file: "scheduler_config.json")
      _ = try NoiseSchedule(config)
      #expect(config.notes.isEmpty, "\(name)")
      members["tensor_format"] = .string("pt")
      members["predict_epsilon"] = .bool(true)
      let older = Config(members, file: "scheduler_config.json")
      _ = try NoiseSchedule(older)
      #expect(older.notes.first?.contains("\"predict_epsilon\", \"tensor_format\"") == true)
      members["predict_epsilon"] = .bool(false)
      #expect(throws: (any Error).self) {
        try NoiseSchedule(Config(members, file: "scheduler_config.json"))
      }
    }
  }
}
