import Hummingbird
import Lantern
import LanternFormats
import LanternSamplers

/// The settings of webui that clients change: they stay until the server ends.
actor WebUIOptions {
  struct Values: Sendable {
    var checkpoint: String?
  }

  private(set) var values = Values()

  func choose(_ checkpoint: String) { values.checkpoint = checkpoint }
}

/// Lists of what there is, in webui's words.
extension Service {
  func addWebUILists(_ api: RouterGroup<Context>) {
    api.get("samplers") { _, _ in
      Response(
        json: .array(
          SamplerCatalogue.rows.map { row in
            .object([
              "name": .string(SamplerCatalogue.webUIName(of: row.name)),
              "aliases": .array(([row.name] + row.aliases).map(JSONValue.string)),
              "options": .object([:]),
            ])
          }))
    }
    api.get("schedulers") { _, _ in
      Response(
        json: .array(
          Spacing.allCases.map { spacing in
            .object([
              "name": .string(spacing.rawValue),
              "label": .string(SamplerCatalogue.webUIName(of: spacing) ?? spacing.rawValue),
              "aliases": .array([]), "default_rho": -1, "need_inner_model": false,
            ])
          }))
    }
    api.get("sd-models") { _, _ in
      let models = await self.shelf.entries.filter { $0.kind == .image }
      return Response(
        json: .array(
          models.map { entry in
            .object([
              "title": .string(entry.name), "model_name": .string(entry.name), "hash": .null,
              "sha256": .null, "filename": .string(entry.name), "config": .null,
            ])
          }))
    }
    addWebUIAddOns(api)
    for path in [
      "hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "sd-vae",
    ] {
      api.get(RouterPath(path)) { _, _ in Response(json: .array([])) }
    }
    for path in ["refresh-checkpoints", "refresh-loras", "refresh-vae"] {
      api.post(RouterPath(path)) { _, _ in Response(json: .object([:])) }
    }
    addWebUIOptions(api)
  }

  private func addWebUIAddOns(_ api: RouterGroup<Context>) {
    api.get("upscalers") { _, _ in
      let names = try WebUIEnlargement.resizes + self.addOns.names(.upscaler)
      return Response(
        json: .array(
          names.map { name in
            .object([
              "name": .string(name), "model_name": .null, "model_path": .null, "model_url": .null,
              "scale": .null,
            ])
          }))
    }
    api.get("loras") { _, _ in
      let names = try self.addOns.names(.lora)
      return Response(
        json: .array(
          names.map { name in
            .object([
              "name": .string(name), "alias": .string(name), "path": .string(name),
              "metadata": .object([:]),
            ])
          }))
    }
    api.get("latent-upscale-modes") { _, _ in
      Response(
        json: .array(LatentUpscaling.allCases.map { .object(["name": .string($0.webUIName)]) }))
    }
    api.get("scripts") { _, _ in
      let names: JSONValue = .array(["controlnet"])
      return Response(json: .object(["txt2img": names, "img2img": names]))
    }
  }

  private func addWebUIOptions(_ api: RouterGroup<Context>) {
    api.get("options") { _, _ in
      let first = try? await self.shelf.entry(named: nil, .image).name
      let name = await self.webUIOptions.values.checkpoint ?? first ?? ""
      return Response(
        json: .object([
          "sd_model_checkpoint": .string(name), "samples_format": "png",
          "CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic",
        ]))
    }
    api.post("options") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      if let name = try fields.string("sd_model_checkpoint") {
        let plain = WebUIPicture.plainName(name)
        _ = try await self.shelf.entry(named: plain, .image)
        await self.webUIOptions.choose(plain)
      }
      let notes = fields.notes
      return Response(
        json: notes.isEmpty ? .object([:]) : .object(["notes": .array(notes.map(JSONValue.string))])
      )
    }
    api.get("memory") { _, _ in
      Response(json: .object(["ram": .object([:]), "cuda": .object([:])]))
    }
    api.get("cmd-flags") { _, _ in Response(json: .object([:])) }
  }
}
