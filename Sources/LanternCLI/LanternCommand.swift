@main
struct LanternCommand {
  static func main() {}
}
