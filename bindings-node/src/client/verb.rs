//! What calls do, and which optional fields they have.

/// What a call does; the numbers are those of `Verb` in `ts/submission.ts`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(super) enum Verb {
    Retrieve = 0,
    RetrieveMany = 1,
    Set = 2,
    Add = 3,
    Replace = 4,
    Append = 5,
    Prepend = 6,
    SetMany = 7,
    AddMany = 8,
    Delete = 9,
    DeleteMany = 10,
    Touch = 11,
    TouchMany = 12,
    Increment = 13,
    Decrement = 14,
    Flush = 15,
    Version = 16,
    Stats = 17,
    Verbosity = 18,
    CacheMemlimit = 19,
    SetRaw = 20,
    Take = 21,
    Update = 22,
    Acquire = 23,
    Release = 24,
    Generation = 25,
    Invalidate = 26,
    Keys = 27,
    AddRaw = 28,
    ReplaceRaw = 29,
}

impl Verb {
    pub(super) const ALL: [Self; 30] = [
        Self::Retrieve,
        Self::RetrieveMany,
        Self::Set,
        Self::Add,
        Self::Replace,
        Self::Append,
        Self::Prepend,
        Self::SetMany,
        Self::AddMany,
        Self::Delete,
        Self::DeleteMany,
        Self::Touch,
        Self::TouchMany,
        Self::Increment,
        Self::Decrement,
        Self::Flush,
        Self::Version,
        Self::Stats,
        Self::Verbosity,
        Self::CacheMemlimit,
        Self::SetRaw,
        Self::Take,
        Self::Update,
        Self::Acquire,
        Self::Release,
        Self::Generation,
        Self::Invalidate,
        Self::Keys,
        Self::AddRaw,
        Self::ReplaceRaw,
    ];
}

/// Which optional fields follow the header, in this order.
pub(super) mod mask {
    /// How many namespaces the call is within, and for each the bytes of its
    /// name and the number of its generation, low word and high word.
    pub(in super::super) const SCOPE: u32 = 1;
    /// Seconds that the call may take.
    pub(in super::super) const TIMEOUT: u32 = 2;
    /// Bytes of the key that decides about the server.
    pub(in super::super) const SERVER_KEY: u32 = 4;
    /// Seconds until the item expires.
    pub(in super::super) const EXPIRY: u32 = 8;
    /// The cas id, low word and high word.
    pub(in super::super) const CAS: u32 = 16;
    /// The number that a counter begins with, low word and high word.
    pub(in super::super) const INITIAL: u32 = 32;
    /// Seconds until a counter expires that exists already.
    pub(in super::super) const TOUCH: u32 = 64;
    /// No field: values are not decoded.
    pub(in super::super) const RAW: u32 = 128;
}
