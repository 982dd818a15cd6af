// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What `make test` sets: rooms can be imported for testing.
let isTested = Context.environment["LANTERN_TESTED"] == "1"
let testable: [SwiftSetting] = isTested ? [.unsafeFlags(["-enable-testing"])] : []
/// `make test` optimises Swift only here, where loops are: the compiler takes five times as long with it. The driver is
/// told not to optimise, for the sake of the packages that these depend on; the frontend behind it is.
let optimized: [SwiftSetting] = isTested ? [.unsafeFlags(["-Xfrontend", "-O"])] : []
let laborious: Set = [
  "LanternTensor", "LanternFormats", "LanternTokenizers", "LanternSamplers", "LanternDecoding",
  "LanternPictures", "LanternEvaluation", "LanternTensorTests", "ArchitectureTests",
]

/// The rooms of the house, bottom to top: each may import only those named here.
let rooms: [(name: String, imports: [Target.Dependency])] = [
  ("LanternPlatform", []),
  ("LanternTensor", ["LanternPlatform", "CLanternKernels"]),
  ("LanternFormats", ["LanternPlatform", "LanternTensor"]),
  ("LanternLayers", ["LanternPlatform", "LanternTensor", "LanternFormats"]),
  ("LanternTokenizers", ["LanternPlatform", "LanternFormats"]),
  ("LanternModels", ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers"]),
  ("LanternSamplers", ["LanternPlatform", "LanternTensor", "LanternFormats"]),
  ("LanternDecoding", ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers"]),
  ("LanternPictures", ["LanternPlatform", "LanternTensor", "LanternFormats", "CLanternPictures"]),
  (
    "Lantern",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternTokenizers",
      "LanternModels",
      "LanternSamplers", "LanternDecoding", "LanternPictures",
    ]
  ),
  (
    "LanternHub",
    [
      "LanternPlatform", "LanternFormats", "Lantern",
      .product(name: "AsyncHTTPClient", package: "async-http-client"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
    ]
  ),
  (
    "LanternEvaluation",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternModels",
      "LanternPictures",
      "Lantern",
    ]
  ),
  (
    "LanternBench",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternModels",
      "LanternSamplers", "LanternPictures",
      "Lantern", "LanternEvaluation",
    ]
  ),
  (
    "LanternServer",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers",
      "LanternSamplers", "LanternPictures", "Lantern", "LanternHub",
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "HummingbirdCore", package: "hummingbird"),
      .product(name: "HummingbirdTLS", package: "hummingbird"),
      .product(name: "HTTPTypes", package: "swift-http-types"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ]
  ),
  (
    "LanternLibrary",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternTokenizers", "CLanternPictures",
      "Lantern", "LanternHub",
      .product(name: "AsyncHTTPClient", package: "async-http-client"),
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "GRDBSQLite", package: "GRDB.swift"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
    ]
  ),
]

/// Test suites and what each imports, in addition to `TestSupport`.
let suites: [(name: String, imports: [Target.Dependency])] = [
  (
    "LanternTensorTests", ["LanternPlatform", "LanternTensor", "LanternFormats", "CLanternKernels"]
  ),
  ("LanternFormatsTests", ["LanternPlatform", "LanternTensor", "LanternFormats"]),
  ("LanternTokenizersTests", ["LanternFormats", "LanternTokenizers"]),
  (
    "LanternModelsTests",
    [
      "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers", "LanternModels",
      "LanternSamplers",
      "LanternDecoding",
    ]
  ),
  (
    "LanternSamplersTests",
    ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternSamplers"]
  ),
  (
    "LanternDecodingTests",
    ["LanternTensor", "LanternFormats", "LanternTokenizers", "LanternDecoding"]
  ),
  (
    "LanternPicturesTests",
    ["LanternPlatform", "LanternTensor", "LanternFormats", "LanternPictures"]
  ),
  ("LanternTests", ["Lantern", "LanternFormats", "LanternSamplers", "LanternTensor"]),
  (
    "LanternHubTests",
    [
      "Lantern", "LanternFormats", "LanternHub", "LanternPlatform",
    ]
  ),
  (
    "LanternEvaluationTests",
    ["Lantern", "LanternTensor", "LanternFormats", "LanternModels", "LanternEvaluation"]
  ),
  (
    "LanternBenchTests",
    [
      "Lantern", "LanternBench", "LanternEvaluation", "LanternFormats", "LanternModels",
      "LanternSamplers", "LanternTensor",
    ]
  ),
  (
    "LanternServerTests",
    [
      "Lantern", "LanternFormats", "LanternHub", "LanternPictures", "LanternPlatform",
      "LanternServer", "LanternTensor", "LanternTokenizers",
      .product(name: "AsyncHTTPClient", package: "async-http-client"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
    ]
  ),
  (
    "LanternLibraryTests",
    [
      "Lantern", "LanternFormats", "LanternLibrary", "LanternPlatform", "LanternTensor",
      "LanternTokenizers",
    ]
  ),
  (
    "EndToEndTests",
    [
      "Lantern", "LanternFormats", "LanternPlatform", "LanternTensor", "LanternPictures",
      "LanternCLI",
    ]
  ),
  ("ExamplesTests", ["Lantern", "LanternExamples", "LanternTensor"]),
  ("ArchitectureTests", []),
]

let package = Package(
  name: "lantern",
  platforms: [.macOS(.v14)],
  products: [
    .library(name: "Lantern", targets: ["Lantern"]),
    .library(name: "LanternTensor", targets: ["LanternTensor"]),
    .library(name: "LanternSamplers", targets: ["LanternSamplers"]),
    .executable(name: "lantern", targets: ["LanternCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // `lantern pull` and `lantern library` alone use the first, and `lantern serve` the second.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // `make docs` alone uses it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
  ],
  targets: [
    .target(
      name: "CLanternKernels",
      linkerSettings: [
        .linkedLibrary("m", .when(platforms: [.linux])),
        .linkedLibrary("pthread", .when(platforms: [.linux])),
        .linkedLibrary("dl", .when(platforms: [.linux])),
        .linkedFramework("Accelerate", .when(platforms: [.macOS])),
      ]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .target(
      name: "CLanternPictures", dependencies: ["CPNG", "CJPEG"],
      linkerSettings: [.linkedLibrary("z")]),
    .executableTarget(
      name: "LanternCLI",
      dependencies: [
        "Lantern", "LanternPlatform", "LanternTensor", "LanternFormats", "LanternLayers",
        "LanternTokenizers",
        "LanternSamplers", "LanternDecoding", "LanternPictures", "LanternHub", "LanternEvaluation",
        "LanternBench", "LanternModels", "LanternServer", "LanternLibrary",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // What Examples/Package.swift builds, for the tests.
    .target(
      name: "LanternExamples", dependencies: ["Lantern", "LanternSamplers", "LanternTensor"],
      path: "Examples/Sources/LanternExamples", swiftSettings: [.swiftLanguageMode(.v6)]),
    .target(
      name: "TestSupport",
      dependencies: [
        "Lantern", "LanternFormats", "LanternHub", "LanternPlatform", "LanternTensor",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
  ]
    + rooms.map {
      // The server's page is a part of the program.
      .target(
        name: $0.name, dependencies: $0.imports,
        resources: $0.name == "LanternServer"
          ? [.embedInCode("Page/index.html"), .embedInCode("Page/openapi.json")] : [],
        swiftSettings: strict + testable + (laborious.contains($0.name) ? optimized : []))
    }
    + suites.map {
      .testTarget(
        name: $0.name, dependencies: $0.imports + ["TestSupport"],
        swiftSettings: strict + (laborious.contains($0.name) ? optimized : []))
    },
  cLanguageStandard: .c11
)
