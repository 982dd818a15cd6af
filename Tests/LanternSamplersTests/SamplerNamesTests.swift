import LanternSamplers
import Testing

@Suite struct SamplerNamesTests {
  /// Names as programs write them, and what they are here: sampler, and schedule behind a colon.
  private static let names: [(String, String)] = [
    // stable-diffusion-webui, old and new.
    ("Euler a", "euler_a"), ("Euler", "euler"), ("LMS", "lms"), ("Heun", "heun"), ("DPM2", "dpm2"),
    ("DPM2 a", "dpm2_a"), ("DPM++ 2S a", "dpm++2s_a"), ("DPM++ 2M", "dpm++2m"),
    ("DPM++ SDE", "dpm++sde"), ("DPM++ 2M SDE", "dpm++2m_sde"), ("DPM++ 3M SDE", "dpm++3m_sde"),
    ("DPM adaptive", "dpm_adaptive"), ("LMS Karras", "lms:karras"),
    ("DPM2 Karras", "dpm2:karras"), ("DPM2 a Karras", "dpm2_a:karras"),
    ("DPM++ 2S a Karras", "dpm++2s_a:karras"), ("DPM++ 2M Karras", "dpm++2m:karras"),
    ("DPM++ SDE Karras", "dpm++sde:karras"), ("DPM++ 2M SDE Karras", "dpm++2m_sde:karras"),
    ("DPM++ 2M SDE Exponential", "dpm++2m_sde:exponential"),
    ("DPM++ 3M SDE Exponential", "dpm++3m_sde:exponential"), ("DDIM", "ddim"), ("PLMS", "pndm"),
    ("UniPC", "unipc"), ("LCM", "lcm"), ("LCM Karras", "lcm:karras"), ("TCD", "tcd"),
    ("k_euler_a", "euler_a"), ("k_dpmpp_2m_ka", "dpm++2m:karras"), ("k_dpm_ad", "dpm_adaptive"),
    ("k_dpmpp_2m_sde_exp", "dpm++2m_sde:exponential"),
    ("dpm++ 2m sgm uniform", "dpm++2m:sgm_uniform"),
    ("Euler Align Your Steps", "euler:ays"), ("sample_euler_ancestral", "euler_a"),
    // ComfyUI.
    ("euler_ancestral", "euler_a"), ("dpm_2", "dpm2"), ("dpm_2_ancestral", "dpm2_a"),
    ("dpmpp_2s_ancestral", "dpm++2s_a"), ("dpmpp_sde_gpu", "dpm++sde"), ("dpmpp_2m", "dpm++2m"),
    ("dpmpp_2m_sde_gpu", "dpm++2m_sde"), ("dpmpp_3m_sde_gpu", "dpm++3m_sde"), ("ddpm", "ddpm"),
    ("ipndm", "ipndm"), ("deis", "deis"), ("uni_pc", "unipc"), ("uni_pc_bh2", "unipc"),
    ("sa_solver", "sa_solver"), ("dpmpp_2m karras", "dpm++2m:karras"),
    ("dpmpp_2m_karras", "dpm++2m:karras"),
    ("dpmpp_2m_sde_gpu sgm_uniform", "dpm++2m_sde:sgm_uniform"),
    ("euler ddim_uniform", "euler:leading"), ("euler kl_optimal", "euler:kl_optimal"),
    ("euler normal", "euler:linspace"), ("euler/beta", "euler:beta"),
    // stable-diffusion.cpp.
    ("euler_a", "euler_a"), ("dpm++2s_a", "dpm++2s_a"), ("dpm++2m", "dpm++2m"),
    ("dpm++2m karras", "dpm++2m:karras"), ("euler_a discrete", "euler_a:discrete"),
    ("ddim_trailing", "ddim:trailing"), ("tcd", "tcd"), ("euler ays", "euler:ays"),
    // InvokeAI, NovelAI, SD.Next, diffusers.
    ("dpmpp_2m_k", "dpm++2m:karras"), ("dpmpp_2m_sde_k", "dpm++2m_sde:karras"),
    ("kdpm_2_a", "dpm2_a"), ("kdpm_2_a_k", "dpm2_a:karras"), ("dpmpp_2s", "dpm_singlestep"),
    ("k_dpmpp_2s_ancestral", "dpm++2s_a"), ("k_euler_ancestral", "euler_a"), ("plms", "pndm"),
    ("SA Solver", "sa_solver"), ("DEISMultistepScheduler", "deis"), ("KDPM2 a", "dpm2_a"),
  ]

  @Test("a name of any program, in any case, means one sampler, and the schedule behind it")
  func names() throws {
    for (name, expected) in Self.names {
      for spelled in [
        name, name.uppercased(), name.lowercased(), name.replacing(" ", with: "_"),
        name.replacing("_", with: " "), name.replacing(" ", with: "  ") + " ",
      ] {
        let meaning = try SamplerCatalogue.meaning(of: spelled)
        let found =
          meaning.row.name + (meaning.spacing.map { ":" + $0.rawValue } ?? "")
        #expect(found == expected, "\(spelled)")
        #expect(meaning.notes.isEmpty && !meaning.usesCFGPlusPlus, "\(spelled)")
      }
    }
  }

  @Test("every row's names and every schedule's are its own")
  func own() throws {
    for row in SamplerCatalogue.rows {
      for name in [row.name] + row.aliases {
        #expect(try SamplerCatalogue.row(named: name).name == row.name, "\(name)")
      }
      let webUI = SamplerCatalogue.webUIName(of: row.name)
      #expect(try SamplerCatalogue.row(named: webUI).name == row.name)
      for spacing in Spacing.allCases {
        let meaning = try SamplerCatalogue.meaning(of: "\(row.name) \(spacing.rawValue)")
        #expect(meaning.row.name == row.name && meaning.spacing == spacing)
        guard let label = SamplerCatalogue.webUIName(of: spacing) else { continue }
        #expect(try SamplerCatalogue.spacing(named: label) == spacing)
        // To ComfyUI "ddim_uniform" is a word of its own.
        if webUI == "DDIM", label == "Uniform" { continue }
        #expect(try SamplerCatalogue.meaning(of: "\(webUI) \(label)").spacing == spacing)
      }
    }
  }

  @Test(
    "a sampler that is not built and has one of its kind is told",
    arguments: [
      ("dpm++2mv2", "dpm++2m"), ("dpm++2mv2 karras", "dpm++2m"),
      ("DPM++ 2M SDE Heun Karras", "dpm++2m_sde"), ("heunpp2", "heun"), ("ipndm_v", "ipndm"),
    ])
  func likenesses(name: String, row: String) throws {
    let meaning = try SamplerCatalogue.meaning(of: name)
    #expect(meaning.row.name == row)
    #expect(meaning.notes.count == 1 && meaning.notes[0].contains("\"\(name)\""))
    #expect(throws: SamplerError.self) { try SamplerCatalogue.row(named: name) }
    #expect(try SamplerCatalogue.spacingMeaning(of: "Align Your Steps 11").notes.count == 1)
  }

  @Test("guidance that stands in the name is understood")
  func cfgPlusPlus() throws {
    for name in ["DDIM CFG++", "ddim_cfgpp", "ddim_cfg_pp", "DDIM CFG++ Karras"] {
      let meaning = try SamplerCatalogue.meaning(of: name)
      #expect(meaning.row.name == "ddim" && meaning.usesCFGPlusPlus)
    }
  }

  @Test(
    "any other name is refused, with the nearest",
    arguments: [
      "Restart", "DPM fast", "euler_cfg_pp", "euler karras karras", "karras", "k", "", " ", "_",
      "DPM++ 2M Turbo", "\u{0}", String(repeating: "euler ", count: 20_000), "gpu",
    ])
  func refused(name: String) {
    #expect(throws: SamplerError.self) { try SamplerCatalogue.meaning(of: name) }
  }
}
