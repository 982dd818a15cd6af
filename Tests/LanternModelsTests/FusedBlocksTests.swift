import Foundation
import LanternFormats
import LanternLayers
import LanternTensor
import TestSupport
import Testing

/// Matrices of blocks of which a layer takes some rows, as of Phi-3's `qkv_proj` and `gate_up_proj`.
@Suite struct FusedBlocksTests {
  /// One matrix of q8_0.
  private struct Blocks: TensorFile {
    let stored: StoredTensor
    let path = "blocks"
    let names = ["weight"]
    let metadata: [String: String] = [:]
    let byteCount = 0

    func info(_ name: String) -> (dtype: String, shape: [Int])? {
      name == "weight" ? ("q8_0", stored.shape) : nil
    }

    func tensor(_ name: String) throws(FormatError) -> Tensor? {
      do {
        return name == "weight" ? try stored.tensor() : nil
      } catch {
        throw .tensor(error)
      }
    }

    func blocks(_ name: String) -> StoredTensor? { name == "weight" ? stored : nil }
    func releasePages() {}
  }

  private let x: Tensor
  private let stored: StoredTensor
  private let weights: Weights

  init() throws {
    let (rows, inputs) = (96, 64)
    let storage = try Storage(byteCount: rows * inputs / 32 * 34)
    for byte in 0..<storage.byteCount {
      // The high byte of a scale, 0.06 to 0.25; its low byte and the integers are anything.
      let any = UInt8(truncatingIfNeeded: (byte &* 2_654_435_761) >> 13)
      storage.base.storeBytes(
        of: byte % 34 == 1 ? 0x2c + any % 8 : any, toByteOffset: byte, as: UInt8.self)
    }
    stored = try StoredTensor(storage, [rows, inputs], as: .q8_0, at: 0)
    weights = Weights(TensorArchive(files: [Blocks(stored: stored)]), precision: .fast)
    x = try Tensor((0..<3 * inputs).map { sin(Float($0)) }, shape: [3, inputs])
  }

  @Test("rows of a matrix of blocks give the bits that they give in the whole matrix")
  func rows() throws {
    let all = try Linear(weights, 64, 96, bias: false)(x).floats()
    let some = try Linear(weights, 64, 96, rows: 40..<72, bias: false)(x).floats()
    for row in 0..<3 {
      #expect(Array(all[row * 96 + 40..<row * 96 + 72]) == Array(some[row * 32..<row * 32 + 32]))
    }
  }

  @Test("gates before values give the bits of a matrix of values and one of gates")
  func gates() throws {
    func part(_ rows: Range<Int>) throws -> Weights {
      Weights(TensorArchive(files: [Blocks(stored: try stored.rows(rows))]), precision: .fast)
    }
    let fused = try GatedLinear(gatesFirst: weights, 64, 48, activation: .silu)(x).floats()
    let apart = try GatedLinear(
      values: part(48..<96), gates: part(0..<48), 64, 48, bias: false, activation: .silu)(x)
      .floats()
    #expect(fused == apart)
  }
}
