// The system's C library, mathematics included, under the name that it has there: whoever imports this
// room has it, and nobody else asks which system it is.
#if canImport(Darwin)
  @_exported public import Darwin
#elseif canImport(Musl)
  @_exported public import Musl
#else
  @_exported public import Glibc
#endif
