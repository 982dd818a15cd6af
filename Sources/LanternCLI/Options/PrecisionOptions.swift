public import ArgumentParser
public import Lantern

/// How exactly to compute.
struct PrecisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How exactly to compute: exact, fast, int8 or int4. "
        + "(default: fast where the processor gains from it, exact elsewhere)",
      discussion: """
        exact is f32, as diffusers; fast multiplies 16-bit integers, up to twice as fast and as good to the \
        eye; int8 and int4 store large weights in as many bits, for memory; int8 is faster than \
        fast on processors with AVX-512 VNNI or ARM's dot products, and slower on others, AVX2 among them. \
        lantern bench precision measures them.
        """, valueName: "name"))
  var precision: Precision?
}

extension Precision: ExpressibleByArgument {}
