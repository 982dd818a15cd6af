import LanternPictures
import LanternSamplers

/// A setting of a picture that the transformer draws alone.
package typealias TokenPictureSetting = Setting<TokenPictureRequest>

// The table of `lantern paint`; what is made of it, and how a row is added, stands in
// ImageSetting+Table.swift.
extension TokenPictureRequest: Configurable {
  package static let settings: [TokenPictureSetting] = [
    .prompt, .previewInterval, .initialPicture, .mask, .extensions, .pastesKept, .imageSteps,
    .guidance, .schedule, .seed,
  ]
  package static var `default`: TokenPictureRequest { TokenPictureRequest(prompt: "") }
}

extension TokenPictureSetting {
  package static var prompt: TokenPictureSetting {
    TokenPictureSetting("prompt", \.prompt, .prompt)
  }

  package static var initialPicture: TokenPictureSetting {
    initialPicture(
      \.initialPicture, "A picture to change or extend.",
      check: { request, _ in
        if request.initialPicture != nil, request.mask == nil, request.extensions.isEmpty {
          throw RequestError.needs(
            name: "a picture to begin from", other: "a mask, or a side to extend")
        }
      })
  }

  package static var mask: TokenPictureSetting {
    mask(
      \.mask, companion: .picture("--mask and --extend need a picture: --init FILE"),
      check: { request, _ in
        if request.mask != nil, request.initialPicture == nil {
          throw RequestError.needs(name: "a mask", other: "a picture to begin from")
        }
      })
  }

  /// The names of the sides.
  private static var sides: String {
    TokenPictureRequest.Side.allCases.map(\.rawValue).joined(separator: ", ")
  }

  package static var extensions: TokenPictureSetting {
    TokenPictureSetting(
      "extensions", \.extensions, .picture, range: sides,
      check: { request, _ in
        if !request.extensions.isEmpty, request.initialPicture == nil {
          throw RequestError.needs(name: "a side to extend", other: "a picture to begin from")
        }
      },
      option: SettingOption(
        "extend", .values("side"),
        "Extend it by half a picture: \(sides); may be given several times.", default: "none",
        companion: .picture("--mask and --extend need a picture: --init FILE")
      ).taking(
        [String].self,
        check: { names in
          if let other = names.first(where: { TokenPictureRequest.Side(rawValue: $0) == nil }) {
            throw RequestError.range(name: "side", found: "\"\(other)\"", allowed: sides)
          }
        },
        assign: { $1.extensions = $0.compactMap(TokenPictureRequest.Side.init) }))
  }

  package static var pastesKept: TokenPictureSetting {
    TokenPictureSetting(
      "pastesKept", \.pastesKept, .picture,
      option: SettingOption(
        "paste", .invertibleFlag,
        "Put back what is kept, byte for byte. With --no-paste it goes through the image tokenizer.",
        default: "--paste",
        companion: .picture("--paste and --no-paste need a picture: --init FILE")))
  }

  package static var imageSteps: TokenPictureSetting { imageSteps(\.steps, field: "steps") }
  package static var guidance: TokenPictureSetting { imageGuidance(\.guidance) }
  package static var schedule: TokenPictureSetting { maskSchedule(\.schedule) }
  package static var previewInterval: TokenPictureSetting { previewInterval(\.previewInterval) }
  package static var seed: TokenPictureSetting { seed(\.seed) }
}

extension SettingOption<TokenPictureRequest>.Companion {
  /// A picture to begin from.
  fileprivate static func picture(_ message: String) -> Self {
    .init(name: "initialPicture", message: message)
  }
}
