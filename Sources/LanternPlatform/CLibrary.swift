// The system's C library, mathematics included, under the name that it has there: importing this module
// imports it, so that no other file has `#if os`.
#if canImport(Darwin)
  @_exported public import Darwin
#elseif canImport(Musl)
  @_exported public import Musl
#else
  @_exported public import Glibc
#endif
