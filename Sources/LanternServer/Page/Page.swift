import HTTPTypes
import Hummingbird
import Lantern
import LanternFormats
import NIOCore

/// The page, and what tells that the server is well.
extension Service {
  func addPage(_ router: Router<Context>) {
    router.get("/") { _, _ in
      var response = Response(
        ByteBuffer(bytes: PackageResources.index_html), type: "text/html; charset=utf-8")
      response.headers[.contentSecurityPolicy] =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        + "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"
      response.headers[.cacheControl] = "no-cache"
      return response
    }
    router.get("/openapi.json") { _, _ in
      Response(ByteBuffer(string: Description.text), type: "application/json; charset=utf-8")
    }
    router.get("/health") { _, _ in Response(json: .object(["status": "ok"])) }
    router.get("/metrics") { _, _ in
      let (drawn, waiting) = (await self.pictures.drawn, await self.pictures.count)
      let text = self.metrics.text(drawn: drawn, waiting: waiting)
      return Response(ByteBuffer(string: text), type: "text/plain; version=0.0.4; charset=utf-8")
    }
  }
}
