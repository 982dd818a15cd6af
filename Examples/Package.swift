// swift-tools-version: 6.1
import PackageDescription

// To try them: swift run -c release --package-path Examples examples
let package = Package(
  name: "examples",
  platforms: [.macOS(.v14)],
  dependencies: [.package(name: "lantern", path: "..")],
  targets: [
    .target(
      name: "LanternExamples",
      dependencies: [
        .product(name: "Lantern", package: "lantern"),
        .product(name: "LanternSamplers", package: "lantern"),
        .product(name: "LanternTensor", package: "lantern"),
      ]),
    .executableTarget(name: "examples", dependencies: ["LanternExamples"]),
  ]
)
