//! Boxes along the axes.

/// Holds a box along the axes by its lowest and its highest corner.
///
/// A box of no width or height is one too: the bounds of a straight line along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect<const D: usize = 2> {
    /// The lowest coordinate on each axis.
    pub min: [f64; D],
    /// The highest coordinate on each axis.
    pub max: [f64; D],
}

impl<const D: usize> Rect<D> {
    /// Makes a box from its lowest corner and its size, both `[x, y]`.
    pub fn from_corner_and_size(corner: [f64; D], size: [f64; D]) -> Self {
        Self { min: corner, max: std::array::from_fn(|i| corner[i] + size[i]) }
    }

    /// Returns the smallest box around both.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Rect;
    ///
    /// let left = Rect { min: [0.0, 0.0], max: [1.0, 5.0] };
    /// let right = Rect { min: [3.0, 2.0], max: [4.0, 6.0] };
    /// assert_eq!(left.union(right), Rect { min: [0.0, 0.0], max: [4.0, 6.0] });
    /// ```
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            min: std::array::from_fn(|i| self.min[i].min(other.min[i])),
            max: std::array::from_fn(|i| self.max[i].max(other.max[i])),
        }
    }

    /// Returns the extent on each axis.
    pub fn size(&self) -> [f64; D] {
        std::array::from_fn(|i| self.max[i] - self.min[i])
    }

    /// Returns the point in the middle.
    pub fn center(&self) -> [f64; D] {
        std::array::from_fn(|i| self.min[i] + (self.max[i] - self.min[i]) / 2.0)
    }
}

impl Rect<2> {
    /// Returns the extent along x.
    pub fn width(&self) -> f64 {
        self.max[0] - self.min[0]
    }

    /// Returns the extent along y.
    pub fn height(&self) -> f64 {
        self.max[1] - self.min[1]
    }
}
