//! Colours that colour-blind people can tell apart.

use std::fmt;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// Paper.
    pub const WHITE: Colour = Colour(255, 255, 255);
    /// Titles.
    pub const BLACK: Colour = Colour(20, 20, 20);
    /// Labels.
    pub const GREY: Colour = Colour(85, 85, 85);
    /// Lines of a grid.
    pub const LIGHT: Colour = Colour(222, 222, 222);
    /// Marks that stand out from a grey image.
    pub const ACCENT: Colour = Colour(213, 94, 0);

    /// Black or white, whichever can be read on this colour.
    pub fn ink_on(self) -> Colour {
        let Colour(red, green, blue) = self;
        // Brightness as the eye weighs it, in thousands (ITU-R BT.601).
        let brightness = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
        if brightness > 140_000 {
            Colour::BLACK
        } else {
            Colour::WHITE
        }
    }

    /// This colour with another over it: `share` 0 leaves this one, 1 the other.
    pub fn under(self, over: Colour, share: f32) -> Colour {
        let mix =
            |a: u8, b: u8| (f32::from(a) * (1.0 - share) + f32::from(b) * share).round() as u8;
        Colour(
            mix(self.0, over.0),
            mix(self.1, over.1),
            mix(self.2, over.2),
        )
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Colours of lines and dots, in the order in which they are used (Okabe and Ito, 2008; the yellow, which is hard to
/// see on white, is left out).
pub const LINES: [Colour; 7] = [
    Colour(0, 114, 178),
    Colour(213, 94, 0),
    Colour(0, 158, 115),
    Colour(204, 121, 167),
    Colour(230, 159, 0),
    Colour(86, 180, 233),
    Colour(0, 0, 0),
];

/// From numbers to colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// Black to white, for images.
    Grey,
    /// Viridis, dark to bright, for magnitudes.
    Magnitude,
    /// Blue for what is below the middle, red for what is above.
    Signed,
}

impl Map {
    /// The colour of a number from 0 to 1; others count as the nearest of these. What is no number is grey.
    pub fn at(self, value: f32) -> Colour {
        if value.is_nan() {
            return Colour(128, 128, 128);
        }
        let value = f64::from(value.clamp(0.0, 1.0));
        let of = |gradient: colorous::Gradient, value| {
            let colorous::Color { r, g, b } = gradient.eval_continuous(value);
            Colour(r, g, b)
        };
        match self {
            Map::Grey => {
                let level = (value * 255.0).round() as u8;
                Colour(level, level, level)
            }
            Map::Magnitude => of(colorous::VIRIDIS, value),
            Map::Signed => of(colorous::RED_BLUE, 1.0 - value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_go_from_end_to_end() {
        assert_eq!(Map::Grey.at(0.0), Colour(0, 0, 0));
        assert_eq!(Map::Grey.at(7.0), Colour(255, 255, 255));
        // matplotlib's viridis, first and last.
        assert_eq!(Map::Magnitude.at(0.0), Colour(68, 1, 84));
        assert_eq!(Map::Magnitude.at(1.0), Colour(253, 231, 37));
        let Colour(red, _, blue) = Map::Signed.at(0.0);
        assert!(blue > red, "what is below the middle is blue");
        let Colour(red, green, blue) = Map::Signed.at(0.5);
        assert!(red.min(green).min(blue) > 235, "the middle is white");
        assert_eq!(Map::Magnitude.at(f32::NAN), Colour(128, 128, 128));
    }

    #[test]
    fn ink_can_be_read() {
        assert_eq!(Map::Magnitude.at(0.0).ink_on(), Colour::WHITE);
        assert_eq!(Map::Magnitude.at(1.0).ink_on(), Colour::BLACK);
    }

    #[test]
    fn one_colour_over_another() {
        let (black, white) = (Colour(0, 0, 0), Colour::WHITE);
        assert_eq!(black.under(white, 0.0), black);
        assert_eq!(black.under(white, 1.0), white);
        assert_eq!(Colour(0, 100, 200).under(white, 0.5), Colour(128, 178, 228));
    }
}
