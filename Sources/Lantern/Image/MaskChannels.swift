/// How a denoiser that was trained to inpaint has the mask, in channels behind the latent's.
enum MaskChannels: CaseIterable {
  /// One before those of the masked picture, a number for each latent (Stable Diffusion).
  case one
  /// One for each pixel that a latent stands for, behind those of the masked picture (FLUX.1 Fill).
  case pixels

  /// Channels of the mask, by the pixels a side that a latent stands for.
  func count(_ downsampling: Int) -> Int { self == .one ? 1 : downsampling * downsampling }
}
