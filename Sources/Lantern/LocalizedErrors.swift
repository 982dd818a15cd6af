public import LanternDecoding
public import LanternFormats
public import LanternLayers
public import LanternPictures
public import LanternSamplers
public import LanternTensor
public import LanternTokenizers

// The one file that needs Foundation, for one protocol: without it `error.localizedDescription`, which
// apps show, says only that the operation could not be completed.
#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension RequestError: LocalizedError {
  /// As ``description``.
  public var errorDescription: String? { description }
}

extension ConstraintError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension FormatError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension PictureError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension TensorError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension ModelError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension SamplerError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}

extension TokenizerError: LocalizedError {
  /// As `description`.
  public var errorDescription: String? { description }
}
